"""What a killed run left: processes of our own folders, and only those.

A process is ours when it says so itself: it carries our folder in its environment, or it is a PostgreSQL or Java whose
working folder is our data folder. A pid in a file proves nothing, pids are used again.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "ARREARS_LOCAL_FOLDER"
PATIENCE_S = 10


def stop_postgres_in(data: Path) -> None:
    """Stop what still runs on the data folder, and clear a lock file that names a stranger's process.

    Any other stale lock file is left to PostgreSQL, which also frees the shared memory that it names.
    """
    _end(_named("postgres", data), signal.SIGQUIT)
    lock_file = data / "postmaster.pid"
    if lock_file.exists() and _names_a_running_process(lock_file):
        lock_file.unlink()


def stop_java_in(folder: Path) -> None:
    """Stop a Kafka that still runs in the folder: its lock on the data would keep the next one from starting."""
    _end(_named("java", folder), signal.SIGKILL)


def stop_marked(folder: Path) -> list[str]:
    """Stop every process that an earlier run of this folder started; returns their command lines."""
    return _end((process for process in _running() if _mark(process) == str(folder.resolve())), signal.SIGKILL)


def _end(processes: Iterable[psutil.Process], with_signal: signal.Signals) -> list[str]:
    found = list(processes)
    ended = []
    for process in found:
        # One that ends by itself meanwhile is what was wanted.
        with suppress(psutil.NoSuchProcess):
            ended.append(" ".join(process.cmdline()))
            process.send_signal(with_signal)
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_S)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE_S)
    return ended


def _named(name: str, folder: Path) -> Iterator[psutil.Process]:
    return (process for process in _running() if process.info["name"] == name and _cwd(process) == folder.resolve())


def _running() -> Iterator[psutil.Process]:
    """Every process but this one, with what it was called when it was listed: it may be gone by now."""
    return (process for process in psutil.process_iter(["name"]) if process.pid != psutil.Process().pid)


def _names_a_running_process(lock_file: Path) -> bool:
    first = lock_file.read_text().split("\n", 1)[0]
    return first.strip().isdigit() and psutil.pid_exists(int(first))


def _cwd(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None  # gone meanwhile, or somebody else's


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None
