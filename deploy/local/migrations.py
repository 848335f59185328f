"""The migrations of all services in one process: the same chains as `python -m services.<name> migrate`, one start-up.

The services to migrate are those whose ARREARS_<NAME>_DATABASE_URL is set.
"""

import asyncio
import os
from pathlib import Path

import uvloop

from deploy.local.environments import PROJECT, SERVICES
from shared.runtime.database import migrate


def targets() -> dict[str, Path]:
    """Database URL -> folder of the chain, for each service named in the environment."""
    urls = {name: os.environ.get(f"ARREARS_{name.upper()}_DATABASE_URL") for name in SERVICES}
    return {url: PROJECT / "services" / name / "migrations" for name, url in urls.items() if url}


async def migrate_all() -> None:
    """One after the other: alembic keeps its configuration in module globals."""
    for url, folder in targets().items():
        await migrate(url, folder)


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(migrate_all())
