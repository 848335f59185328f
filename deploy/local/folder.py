"""The folder of a local system: one run at a time, the ports it had last time, and its removal."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import postgres_files
from deploy.local.ports import free_port

LOCAL = Path(".local")


class FolderBusyError(Exception):
    """Another run holds the folder, or it belongs to another user."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder for this run. The lock is the kernel's: it goes with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        raise FolderBusyError(f"{folder} belongs to another user; remove it as that user, or as root") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "?"
        os.close(lock)
        raise FolderBusyError(f"a local system is running in {folder} already (process {holder})") from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
        os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def assign_ports(folder: Path, names: list[str]) -> dict[str, int]:
    """A port for each name: the one it had last time when that is free, so that bookmarks keep working."""
    file = folder / "ports.json"
    before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    for name in names:
        port = free_port(before.get(name))
        while port in ports.values():
            port = free_port()
        ports[name] = port
    file.write_text(json.dumps({**before, **ports}, indent=2))
    return ports


def put_logs_aside(logs: Path) -> None:
    """Start with empty logs and keep those of the last run, so that the end of a log is about this run."""
    shutil.rmtree(logs / "previous", ignore_errors=True)
    files = sorted(logs.glob("*.log"))
    (logs / "previous").mkdir(parents=True)
    for file in files:
        file.rename(logs / "previous" / file.name)


def clean(folder: Path) -> None:
    """Remove the folder and everything kept for it elsewhere; raises FolderBusyError while a system runs in it."""
    with held(folder):
        postgres_files.remove(folder / "postgres")
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        for kept in (LOCAL / "demo", LOCAL):
            if kept.exists():
                clean(kept)
    except FolderBusyError as error:
        sys.exit(f"clean-local: {error}")
