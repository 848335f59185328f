"""Waiting for something that another process or task brings about."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 120.0


async def until(met: Callable[[], Any], what: str, patience_s: float = PATIENCE_S, pause_s: float = 0.05) -> Any:
    """Wait for a condition, sync or async; names it when it never comes."""
    end = time.monotonic() + patience_s
    while True:
        found = met()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s:.0f} s in vain for: {what}")
        await asyncio.sleep(pause_s)
