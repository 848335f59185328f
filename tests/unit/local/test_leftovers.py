"""Which processes are ours to stop."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.leftovers import MARK, stop_java_in, stop_marked, stop_postgres_in


@contextmanager
def sleeper(environment: dict[str, str], cwd: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_only_processes_marked_with_this_folder_are_stopped(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with sleeper({MARK: str(ours)}, tmp_path) as orphan, sleeper({MARK: str(theirs)}, tmp_path) as stranger:
        ended = stop_marked(ours)
        assert orphan.poll() is not None
        assert stranger.poll() is None
    assert len(ended) == 1


def test_a_lock_file_that_names_a_stranger_is_cleared_and_the_stranger_left_alone(tmp_path: Path) -> None:
    lock_file = tmp_path / "postmaster.pid"
    with sleeper({}, tmp_path) as stranger:
        lock_file.write_text(f"{stranger.pid}\n{tmp_path}\n")
        stop_postgres_in(tmp_path)
        assert stranger.poll() is None
    assert not lock_file.exists()


def test_a_lock_file_of_a_dead_process_is_left_to_postgres(tmp_path: Path) -> None:
    with sleeper({}, tmp_path) as gone:
        pass
    lock_file = tmp_path / "postmaster.pid"
    lock_file.write_text(f"{gone.pid}\n")
    stop_postgres_in(tmp_path)
    assert lock_file.exists()


def test_a_process_that_ends_while_they_are_looked_through_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sleeper({}, tmp_path) as gone:
        (listed,) = (process for process in psutil.process_iter(["name"]) if process.pid == gone.pid)
    monkeypatch.setattr(psutil, "process_iter", lambda _: [listed])
    stop_java_in(tmp_path)
    assert stop_marked(tmp_path) == []
