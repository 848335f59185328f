"""What a service declares, and what its own parts are built from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging.commands import Commands
from shared.messaging.sharding import Sharding
from shared.messaging.stream import Stream
from shared.runtime.clock import Clock
from shared.runtime.settings import Settings


@dataclass
class Context:
    """What a service's own parts are built from: handed to routers and background jobs."""

    settings: Settings
    engine: AsyncEngine
    clock: Clock
    commands: Commands
    counts: dict[str, int]
    wake_work: Callable[[], None] = lambda: None
    """Have this process's shards run their stream's `work`: something waits for it that came by no topic."""


Background = Callable[[Context, asyncio.Event], Awaitable[None]]
Pending = Callable[[AsyncConnection, datetime], Awaitable[Mapping[str, int]]]
"""Asks on a connection for reading, at the clock's present instant."""


@dataclass
class Service:
    """The declaration of one service, read by `Process`.

    `background` jobs run beside the consumer until the event is set; one that fails for a while (database or broker
    away) is started again. `pending` counts what must be 0 when the service is quiet, for /progress. `router` builds
    the service's own routes. `on_start` runs once the database and the topics are there. `sharding` is what has to move
    when partitions are added.
    """

    name: str
    streams: Sequence[Stream]
    router: Callable[[Context], APIRouter]
    background: Sequence[Background] = ()
    pending: Pending | None = None
    on_start: Sequence[Callable[[Context], Awaitable[None]]] = field(default_factory=tuple)
    sharding: Sharding = field(default_factory=Sharding)
