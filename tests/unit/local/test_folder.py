"""The folder of a local system: held once, ports remembered."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.folder import FolderBusyError, assign_ports, clean, held
from deploy.local.ports import HIGHEST, LOWEST


def test_a_second_run_is_refused_naming_the_first(tmp_path: Path) -> None:
    script = (
        f"from pathlib import Path; from deploy.local.folder import held; held(Path({str(tmp_path)!r})).__enter__()"
    )
    with held(tmp_path):
        second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"already (process {os.getpid()})" in second.stderr
    with held(tmp_path):
        pass


def test_ports_are_kept_and_a_taken_one_is_replaced(tmp_path: Path) -> None:
    first = assign_ports(tmp_path, ["kafka", "ingest"])
    assert len(set(first.values())) == 2
    assert all(LOWEST <= port < HIGHEST for port in first.values())
    assert assign_ports(tmp_path, ["kafka", "ingest"]) == first
    with socket.create_server(("127.0.0.1", first["kafka"])):
        again = assign_ports(tmp_path, ["kafka", "ingest"])
    assert again["kafka"] != first["kafka"]
    assert again["ingest"] == first["ingest"]


def test_a_folder_in_use_is_not_removed(tmp_path: Path) -> None:
    folder = tmp_path / ".local"
    with held(folder), pytest.raises(FolderBusyError):
        clean(folder)
    assert folder.exists()
    clean(folder)
    assert not folder.exists()
