"""Kafka's jars: held to the list of hashes in the tree, kept in the user's cache.

Apart from kafka.py, which runs them, and from fetching.py, which a warm start does not even import.
"""

import hashlib
import os
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


def ensure_jars(jars: list[Jar] | None = None, folder: Path | None = None) -> list[Path]:
    """The files of all jars, the bytes of each checked now; what is missing or damaged is fetched.

    Raises JarsError.
    """
    jars = listed(LIST.read_text()) if jars is None else jars
    folder = cache_folder() if folder is None else folder
    with ThreadPoolExecutor(READERS) as pool:
        sound = list(pool.map(lambda jar: jar.is_sound(folder), jars))
    missing = [jar for jar, is_sound in zip(jars, sound, strict=True) if not is_sound]
    if missing:
        from deploy.local import fetching  # an HTTP client is a third of a second that a warm start need not wait

        fetching.fetch(missing, folder)
    return [folder / jar.path for jar in jars]


if __name__ == "__main__":
    ensure_jars()
