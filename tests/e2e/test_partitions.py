"""Partitions added in the middle of the main story, by the operator's commands: it comes to the same end."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.environments import PROJECT, SERVICES, Options
from deploy.local.supervisor import LocalSystem
from tests.e2e.crowd import Calendar, Crowd, twice
from tests.e2e.doors import Doors, Places
from tests.e2e.story import Story, assert_ended_well

MORE = "3"
"""No multiple of the two it has: keys also move between old partitions."""

pytestmark = pytest.mark.timeout(600)


@pytest_asyncio.fixture
async def own_system(tmp_path: Path) -> AsyncIterator[LocalSystem]:
    """Partitions that were added stay: a system that no other test meets."""
    async with LocalSystem(tmp_path, options=Options(clock="simulated", durable=False)) as running:
        yield running


def _doors(system: LocalSystem) -> Doors:
    at = system.addresses
    return Doors(Places(at.kafka, at.http, at.sms_gateway), patience_s=90)


async def _command(environment: Mapping[str, str], *words: str) -> tuple[int | None, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, cwd=PROJECT, env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await child.communicate()
    return child.returncode, output.decode()


async def _increase(system: LocalSystem) -> None:
    """As docs/operations.md has it, with a step too early and one too many."""
    async with system.services_stopped() as environments:

        async def set_up(name: str, expected: str) -> None:
            words = (f"services.{name}", "shards", "repartition", "--partitions", MORE)
            status, said = await _command(environments[name], *words)
            assert (status, f"{name} is set up for {MORE} partitions: {expected}" in said) == (0, True), said

        async def add(expected: str, ends: int) -> None:
            kafka = {"ARREARS_KAFKA_BOOTSTRAP": system.addresses.kafka}
            status, said = await _command(kafka, "deploy.topics", "--partitions", MORE, "--increase")
            assert (status, expected in said) == (ends, True), said

        for name in SERVICES[:-1]:
            await set_up(name, "it had 2")
        await add(f"{SERVICES[-1]} is not set up for {MORE} partitions", ends=1)
        await set_up(SERVICES[-1], "it had 2")
        await add(f"topics have {MORE} partitions now", ends=0)
        await set_up(SERVICES[0], "it was before")


async def test_partitions_added_in_the_middle_of_the_story_change_nothing(own_system: LocalSystem) -> None:
    async with _doors(own_system) as doors:
        calendar = Calendar(doors)
        week = calendar.next_week()
        story = Story(doors, calendar, Crowd("wider", 12, week[0], "EUR"), week)
        for step in (story.bill, story.fall_overdue, story.close_thursday):
            await step()
            await doors.quiet()
    await _increase(own_system)
    # Core banking's producer starts anew too, and tells everything so far once more.
    async with _doors(own_system) as doors:
        story = replace(story, doors=doors, calendar=Calendar(doors), order=twice)
        await doors.publish(story.crowd.opening())
        for step in (story.friday_morning, story.repay, story.end):
            await step()
            await doors.quiet()
        await assert_ended_well(story)
        shards = (await doors.get("strategy", "/shards"))["shards"]
        assert sum(1 for one in shards if one["stream"] == "customers" and one["counters"].get("records")) == int(MORE)
