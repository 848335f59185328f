"""A service as a program of its own, as its users run it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

END_S_MAX: Final = 60


@asynccontextmanager
async def program(service: str, settings: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m services.<service>` until the block ends, when it is asked to end; what it prints is dropped."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", env=os.environ | settings, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(END_S_MAX):
            await started.wait()
