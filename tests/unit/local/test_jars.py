"""The list of jars, and that bytes which differ from it never get a name."""

import hashlib
from pathlib import Path

import httpx
import pytest

from deploy.local import fetching
from deploy.local.jars import LIST, Jar, JarsError, ensure_jars, listed

CONTENT = b"a jar"
JAR = Jar("org/one/1/one-1.jar", hashlib.sha256(CONTENT).hexdigest())


def test_the_list_names_kafka_and_its_dependencies() -> None:
    paths = [jar.path for jar in listed(LIST.read_text())]
    assert "org/apache/kafka/kafka_2.13/4.3.0/kafka_2.13-4.3.0.jar" in paths
    assert len(paths) == len(set(paths)) == 92


class Fetches:
    """Notes what was to be fetched."""

    def __init__(self) -> None:
        self.jars: list[Jar] = []

    def __call__(self, jars: list[Jar], folder: Path) -> None:
        self.jars += jars


def test_sound_jars_are_not_fetched(tmp_path: Path) -> None:
    fetches = Fetches()
    (tmp_path / JAR.path).parent.mkdir(parents=True)
    (tmp_path / JAR.path).write_bytes(CONTENT)
    assert ensure_jars([JAR], tmp_path, fetches) == [tmp_path / JAR.path]
    assert fetches.jars == []


def test_missing_and_damaged_jars_are_fetched(tmp_path: Path) -> None:
    fetches = Fetches()
    missing = Jar("org/two/2/two-2.jar", JAR.sha256)
    (tmp_path / JAR.path).parent.mkdir(parents=True)
    (tmp_path / JAR.path).write_bytes(CONTENT[:-1])
    ensure_jars([JAR, missing], tmp_path, fetches)
    assert fetches.jars == [JAR, missing]


def test_other_bytes_are_refused_naming_the_jar() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=b"something else")))
    with pytest.raises(JarsError, match=r"one-1\.jar: its SHA-256 is"):
        fetching.content(client, ["http://repository.example"], JAR)


def test_the_next_repository_is_asked() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=CONTENT) if request.url.host == "second.example" else httpx.Response(404)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    assert fetching.content(client, ["http://first.example", "http://second.example"], JAR) == CONTENT


def test_a_folder_is_filled_from_a_repository(tmp_path: Path) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=CONTENT)))
    fetching.fill(client, ["http://repository.example"], [JAR], tmp_path)
    assert JAR.is_sound(tmp_path)
