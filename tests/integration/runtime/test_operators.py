"""The operators' commands are the same in each service, need the database's address alone, and end with one line."""

import asyncio
import os
import sys

import pytest
from typer.testing import CliRunner

from deploy.local.environments import PROJECT, SERVICES
from services.ingest.__main__ import app as ingest

NOWHERE = {"ARREARS_DATABASE_URL": "postgresql+asyncpg://nobody:none@127.0.0.1:1/arrears"}


async def _ended(service: str, *arguments: str, **settings: str) -> tuple[int | None, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARREARS_")} | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", *arguments, cwd=PROJECT, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode().strip()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_database_that_is_away_is_one_line(service: str) -> None:
    code, said = await _ended(service, "dead-letters", "list", **NOWHERE)
    assert (code, said) == (69, "the database does not answer (ConnectionRefusedError)")


async def test_a_missing_address_is_named() -> None:
    code, said = await _ended("contact", "shards", "stopped")
    assert (code, said) == (78, "misconfigured: ARREARS_DATABASE_URL: is missing")


async def test_a_letter_is_revealed_and_corrected_only_as_it_should_be() -> None:
    code, said = await _ended("ingest", "dead-letters", "show", "1", "--reveal", **NOWHERE)
    assert code == 2
    assert "--reveal needs --actor and --reason" in said
    act = ("--actor", "ann", "--reason", "ticket 7")
    code, said = await _ended("ingest", "dead-letters", "redrive", "1", "2", "--payload", "x.json", *act, **NOWHERE)
    assert code == 2
    assert "a corrected event is for one dead letter" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("redrive", "1", "--payload", "nothing.json", "--actor", "ann", "--reason", "why"), "cannot be read: No such"),
        (("redrive", "1", "--payload", "/", "--actor", "ann", "--reason", "why"), "cannot be read: Is a directory"),
        (("discard", "1", "--actor", "", "--reason", "why"), "expected 1 to 500 characters"),
        (("redrive", "1", "--actor", "ann", "--reason", " "), "expected 1 to 500 characters"),
        (("discard", "1", "--actor", "ann", "--reason", "x" * 501), "expected 1 to 500 characters"),
        (("show", "1", "--reveal", "--actor", " ", "--reason", "why"), "--reveal needs --actor and --reason"),
        (("list", "--state", "done"), "'waiting'"),
    ],
)
def test_what_a_command_cannot_take_is_said_before_anything_is_done(arguments: tuple[str, ...], expected: str) -> None:
    ended = CliRunner().invoke(ingest, ["dead-letters", *arguments], env=NOWHERE)
    assert ended.exit_code == 2
    assert expected in " ".join(ended.stderr.replace("│", " ").split())
