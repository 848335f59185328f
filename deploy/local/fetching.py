"""Fetches listed jars from a Maven repository and lists them anew.

The list was resolved by jgo from the coordinates below (`python -m deploy.local.fetching lock`, part of `make lock`).
Fetching resolves nothing, it only gets the listed files: eight times faster, and nothing unlisted can come in.
"""

import hashlib
import ssl
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import httpx
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext
from rich.progress import Progress

from deploy.local.jars import LIST, Jar, JarsError

COORDINATES = "org.apache.kafka:kafka_2.13:4.3.0+org.apache.kafka:kafka-tools:4.3.0+org.slf4j:slf4j-simple:1.7.36"
ATTEMPTS_MAX = 4
FETCHERS = 8
TIMEOUT_S = 60


def fetch(jars: list[Jar], folder: Path) -> None:
    """Fetch the jars into the folder, each one checked before it gets its name. Raises JarsError."""
    with httpx.Client(verify=_trust(), timeout=TIMEOUT_S, follow_redirects=True) as client:
        fill(client, list(_repositories()), jars, folder)


def fill(client: httpx.Client, repositories: list[str], jars: list[Jar], folder: Path) -> None:
    """Several at once, with a bar."""
    with ThreadPoolExecutor(FETCHERS) as pool, Progress(transient=True) as progress:
        bar = progress.add_task(f"fetching {len(jars)} jars of Apache Kafka", total=len(jars))
        fetched = pool.map(lambda jar: content(client, repositories, jar), jars)
        for jar, data in zip(jars, fetched, strict=True):
            _keep(data, folder / jar.path)
            progress.advance(bar)


def resolve() -> str:
    """The list that the coordinates resolve to now, in the format of `sha256sum`."""
    with tempfile.TemporaryDirectory() as scratch:
        repository = Path(scratch) / "repository"
        context = MavenContext(repo_cache=repository, timeout=TIMEOUT_S)
        EnvironmentBuilder(context, cache_dir=Path(scratch) / "environment").from_endpoint(COORDINATES)
        return "".join(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(repository).as_posix()}\n"
            for file in sorted(repository.rglob("*.jar"))
        )


def content(client: httpx.Client, repositories: list[str], jar: Jar) -> bytes:
    """The jar's bytes from the first repository that has them, checked."""
    failure = "no repository is configured"
    for repository in repositories * ATTEMPTS_MAX:
        try:
            response = client.get(f"{repository.rstrip('/')}/{jar.path}").raise_for_status()
        except httpx.HTTPError as error:
            failure = f"{type(error).__name__}: {error}"
            continue
        found = hashlib.sha256(response.content).hexdigest()
        if found == jar.sha256:
            return response.content
        failure = f"its SHA-256 is {found}, the list says {jar.sha256}"
    raise JarsError(f"cannot fetch {jar.path}: {failure}")


def _keep(content: bytes, file: Path) -> None:
    """Whole or not at all, however many starts fetch at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as partial:
        partial.write(content)
    Path(partial.name).rename(file)


def _trust() -> ssl.SSLContext:
    """The machine's certificates, which a company's proxy may need, and Mozilla's, where the machine has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _repositories() -> Iterator[str]:
    """The repositories of the user's jgo configuration, then the public one."""
    yield from GlobalSettings.load().repositories.values()
    yield MAVEN_CENTRAL_URL


if __name__ == "__main__" and sys.argv[1:] == ["lock"]:
    LIST.write_text(resolve())
