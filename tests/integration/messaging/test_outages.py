"""Parts go away and come back: the service waits, says so without shouting, resumes, loses and repeats nothing."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.local.postgres import SUPERUSER
from shared.messaging import publisher
from tests.integration.messaging.outage import OUTAGE_S, Door, Part, own_postgres, restartable_kafka
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, new_rig
from tests.integration.messaging.tally import Held, Tally
from tests.parts import Parts
from tests.waiting import until

SHARDS = 4

# A part's second start is within the test; it has a bound of its own of 120 s, which a busy machine may need.
pytestmark = pytest.mark.timeout(300 + 3 * OUTAGE_S)


@pytest_asyncio.fixture
async def mortal_postgres() -> AsyncIterator[tuple[Part, str]]:
    """A cluster to take away, and the role's URL; started before the test's own time begins."""
    async with own_postgres() as found:
        yield found


@pytest_asyncio.fixture
async def mortal_kafka() -> AsyncIterator[tuple[Part, str]]:
    """A broker to take away, and its address."""
    async with restartable_kafka() as found:
        yield found


async def _outlast(rig: Rig, part: Part, *, says: str) -> None:
    """Facts before, during and after; all of them in the end, and a few calm lines in the log."""
    tally = Held()
    running = rig.start(tally, batch_records_max=50)
    with capture_logs() as lines:
        await rig.publish([repayment(n) for n in range(400)])
        await rig.applied(100)
        # A batch is about to commit when the part goes: otherwise all might be done, and nothing would miss the part.
        tally.go.clear()
        await rig.publish([repayment(n) for n in range(400, 500)])
        await until(lambda: tally.standing, "a batch to be about to commit")
        began_s = time.monotonic()
        await part.down()
        tally.go.set()
        await until(lambda: any(line["event"] == says for line in lines), "it to say that it waits")
        await asyncio.sleep(OUTAGE_S)
        assert not running.task.done()
        await part.up()
        lines_max = _lines_a_task_max(time.monotonic() - began_s)
        await rig.engine.dispose()  # the test's own connections are gone too
        await rig.publish([repayment(n) for n in range(500, 600)])
        await until(lambda: _has(rig, 600), "all facts after the outage")
    await rig.assert_exact(600)
    counts = {name: sum(line["event"] == name for line in lines) for name in {line["event"] for line in lines}}
    waits = {name: count for name, count in counts.items() if name.endswith(("_waits", "_unreachable"))}
    assert all(count <= lines_max * SHARDS for count in waits.values()), waits
    await running.stop()


def _lines_a_task_max(away_s: float) -> float:
    """Pauses double up to ten seconds: this many lines of a kind and shard are patience; a busy loop has thousands."""
    return 12 + away_s / 4


async def _has(rig: Rig, count: int) -> bool:
    return await rig.effects() >= count


async def test_a_database_that_dies_and_comes_back(own_kafka: str, mortal_postgres: tuple[Part, str]) -> None:
    part, url = mortal_postgres
    async with new_rig(own_kafka, url) as rig:
        await _outlast(rig, part, says="shard_waits")


async def test_a_broker_that_dies_and_comes_back(
    mortal_postgres: tuple[Part, str], mortal_kafka: tuple[Part, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, url), (part, kafka) = mortal_postgres, mortal_kafka
    # What is waited for a send before that is said: less than the outage, as twenty seconds are less than a real one.
    monkeypatch.setattr(publisher, "PUBLISH_S_MAX", min(3.0, OUTAGE_S / 2))
    async with new_rig(kafka, url) as rig:
        await _outlast(rig, part, says="relay_waits")


@pytest.mark.parametrize("after", [True, False], ids=["after the server did it", "before the server heard of it"])
async def test_a_connection_lost_inside_commit(rig: Rig, after: bool) -> None:
    """The outcome is unknown to the service; the row it finds under its next epoch is known."""
    door = Door(after=after)
    async with door.open(rig.database_address()) as port:
        running = rig.start(Tally(), batch_records_max=100, database_url=rig.database_url_through(port))
        await running.owns(PARTITIONS)
        door.cuts = 6
        for n in range(10):
            await rig.publish([repayment(f"{n}-{m}") for m in range(100)])
            await asyncio.sleep(0.1)
        await rig.assert_exact(1000)
        assert door.cuts == 0
        await running.stop()


@contextmanager
def _small_disk(size: str) -> Iterator[Path]:
    """A file system of that size; skips where this user may not make one."""
    with tempfile.TemporaryDirectory(prefix="arrears-disk-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o777)  # noqa: S103  PostgreSQL runs as another user
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "none", folder], check=False)
        if made.returncode != 0:
            pytest.skip("making a small disk needs root")
        try:
            yield _with_space(Path(folder))
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def _with_space(disk: Path) -> Path:
    """A folder for a tablespace, as its server's user."""
    space = disk / "space"
    space.mkdir()
    # Only root gets here, and as root the server runs as this user.
    shutil.chown(space, "nobody")
    return disk


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with suppress(OSError):  # no space left
        filler.write_bytes(b"x" * 16_000_000)
    return filler


async def test_a_full_disk(rig: Rig, parts: Parts, pytestconfig: pytest.Config) -> None:
    """PostgreSQL refuses to write (53100); the service waits until there is room again."""
    if "local" not in parts.description:
        pytest.skip("the server of a container does not see this machine's file systems")
    address = await parts.postgres_url(SUPERUSER, rig.database_url.rsplit("/", 1)[-1])
    with _small_disk("8m") as disk:
        superuser = await asyncpg.connect(address)
        await superuser.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
        await superuser.execute("ALTER TABLE ingest.effect SET TABLESPACE small")
        try:
            await _resumes_once_there_is_room(rig, _fill(disk).unlink)
            await superuser.execute("ALTER TABLE ingest.effect SET TABLESPACE pg_default")
        finally:
            await superuser.execute("DROP TABLE ingest.effect")
            await superuser.execute("DROP TABLESPACE small")
            await superuser.close()


async def _resumes_once_there_is_room(rig: Rig, make_room: Callable[[], None]) -> None:
    with capture_logs() as lines:
        running = rig.start()
        await rig.publish([repayment(n) for n in range(2000)])
        await until(lambda: any(one["event"] == "shard_waits" for one in lines), "the service to say that it waits")
        await asyncio.sleep(2)
        assert await rig.effects() < 2000
        make_room()
        await rig.assert_exact(2000)
    assert sum(one["event"] == "shard_waits" for one in lines) < 60
    await running.stop()
