"""Which failures pass by themselves, which name bad data, and how long to wait."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.vocabulary.errors import Unavailable

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 10.0

# SQLSTATE classes: connection, resources, operator intervention, system; and the transient members of others.
_PASSING_CLASSES: Final = {"08", "53", "57", "58"}
_PASSING_STATES: Final = {"40001", "40P01", "55P03", "25006", "25P03", "25P04"}
_DATA_CLASSES: Final = {"22", "23"}

# OSErrors that are about this machine's files, not about another party.
_LOCAL_FILES: Final = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
# aiokafka's consumer says so when one of its own tasks has died: it never works again, only a new process does.
_BROKEN_CONSUMER: Final = ("Unexpected error during data retrieval", "Unexpected error during coordination")

log = structlog.get_logger()


def sqlstate(error: BaseException) -> str:
    """The database's five-character code of an error; empty where it has none."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(original, "sqlstate", "") or "")


def is_passing(error: BaseException) -> bool:
    """True for what goes away by waiting: a database or broker that is down, a deadlock, a lock timeout.

    A group of errors passes when each of them does.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(is_passing(one) for one in error.exceptions)
    if isinstance(error, _LOCAL_FILES) or any(words in str(error) for words in _BROKEN_CONSUMER):
        return False
    if isinstance(error, (Unavailable, ConnectionError, TimeoutError, OSError, KafkaError, PoolTimeout)):
        return True
    state = sqlstate(error)
    if state[:2] in _PASSING_CLASSES or state in _PASSING_STATES:
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError)) and not is_bad_data(error)


def is_bad_data(error: BaseException) -> bool:
    """True when the database (or its driver) refuses a value: the batch holds a poison record."""
    if sqlstate(error)[:2] in _DATA_CLASSES:
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
            return True
        cause = cause.__cause__
    return False


def backoff_s() -> Iterator[float]:
    """Waits that double up to a bound, with jitter so that replicas do not return together."""
    wait = BACKOFF_FIRST_S
    while True:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(wait * 2, BACKOFF_MAX_S)


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until asked to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def persist(action: Callable[[], Awaitable[None]], stop: asyncio.Event, what: str) -> None:
    """Do it, again after each failure that passes, with one clear line a try; give up only when asked to stop."""
    waits = backoff_s()
    while not stop.is_set():
        try:
            await action()
            return
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning(f"{what}_waits", error=type(error).__name__)
            await sleep_unless(stop, next(waits))
