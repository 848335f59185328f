"""What a killed run left: processes of our own data folders, and only those.

A process is ours when it says so itself: it carries our folder in its environment, or it is a PostgreSQL whose
working folder is our data folder. A pid in a file proves nothing, pids are used again.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "ARREARS_LOCAL_FOLDER"
PATIENCE_S = 10


def stop_postgres_in(data: Path) -> None:
    """Stop a PostgreSQL that still runs on the data folder, and clear its lock file, which then nobody holds."""
    _stop_named("postgres", data)
    (data / "postmaster.pid").unlink(missing_ok=True)


def stop_java_in(folder: Path) -> None:
    """Stop a Kafka that still runs in the folder: its own lock on the data would keep the next one from starting."""
    _stop_named("java", folder)


def _stop_named(name: str, folder: Path) -> None:
    _end(process for process in _running() if process.name() == name and _cwd(process) == folder.resolve())


def stop_marked(folder: Path) -> list[str]:
    """Stop every process that an earlier run of this folder started; returns their command lines."""
    return _end(process for process in _running() if _mark(process) == str(folder.resolve()))


def _end(processes: Iterator[psutil.Process]) -> list[str]:
    found = list(processes)
    names = [" ".join(process.cmdline()) for process in found]
    for process in found:
        process.terminate()
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_S)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE_S)
    return names


def _running() -> Iterator[psutil.Process]:
    """Every process but this one. One that ends while we look is none of our business."""
    return (process for process in psutil.process_iter() if process.pid != psutil.Process().pid)


def _cwd(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None
