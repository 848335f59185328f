"""Kafka's jars: held to the list of hashes in the tree, kept in the user's cache.

Apart from kafka.py, which runs them, and from fetching.py, which a warm start does not even import.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("kafka-jars.sha256")
READERS = 4


class JarsError(Exception):
    """Jars cannot be fetched, or what was fetched is not what the list says."""


@dataclass(frozen=True)
class Jar:
    """One line of the list: where a Maven repository keeps the file, and what its bytes hash to."""

    path: str
    sha256: str

    def is_sound(self, folder: Path) -> bool:
        """Whether the folder has the file with exactly these bytes; they are read to tell."""
        file = folder / self.path
        return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


def listed(text: str) -> list[Jar]:
    """The jars of a list in the format of `sha256sum`."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [Jar(path=path, sha256=sha256) for sha256, path in pairs]


def cache_folder() -> Path:
    """Where what was fetched outlives a checkout and `make clean-local`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arrears" / "jars"


def kafka_jars() -> list[Path]:
    """The files of Kafka's class path, fetched when they are not in the cache. Raises JarsError."""
    return ensure_jars(listed(LIST.read_text()), cache_folder(), _fetch)


def ensure_jars(jars: list[Jar], folder: Path, fetch: Callable[[list[Jar], Path], None]) -> list[Path]:
    """The files of all jars, the bytes of each checked now; what is missing or damaged is fetched."""
    with ThreadPoolExecutor(READERS) as pool:
        sound = list(pool.map(lambda jar: jar.is_sound(folder), jars))
    missing = [jar for jar, is_sound in zip(jars, sound, strict=True) if not is_sound]
    if missing:
        fetch(missing, folder)
    return [folder / jar.path for jar in jars]


def _fetch(jars: list[Jar], folder: Path) -> None:
    from deploy.local import fetching  # the HTTP client and jgo take a second to import; a warm start needs neither

    fetching.fetch(jars, folder)


if __name__ == "__main__":
    kafka_jars()
