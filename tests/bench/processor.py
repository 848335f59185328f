"""Processor time of the database that a bench works on: on a busy machine it says more than the clock."""

import os
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


async def postmaster_of(engine: AsyncEngine) -> int:
    """The process that started the database's others; it has to run on this machine."""
    async with engine.connect() as connection:
        backend: int = (await connection.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
    return int(_stat(backend)[1])


def database_s(postmaster: int) -> float:
    """Of all its processes, those that have ended too."""
    stats = [_stat(int(folder.name)) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    running = sum(sum(map(int, stat[11:13])) for stat in stats if len(stat) > 1 and stat[1] == str(postmaster))
    return (running + sum(map(int, _stat(postmaster)[11:15]))) / TICKS_PER_S


def _stat(pid: int) -> list[str]:
    """The fields after the name, from the state on; none where the process has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
