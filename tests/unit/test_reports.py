"""That a failure is reported and the run goes on, whatever garbage the failed test left."""

import ast
import gc
import traceback
from collections.abc import Iterator

import pytest

from tests.conftest import pytest_runtest_makereport

SOURCE = "\n".join(f"def f{n}(a, b):\n    return [a + b, {{'x': a}}, {n}]" for n in range(2000))


class _Garbage:
    """Shows a traceback when it is collected, as an unclosed socket does; only the collector finds it."""

    def __init__(self) -> None:
        self._itself = self

    def __del__(self) -> None:
        try:
            raise ResourceWarning("unclosed")
        except ResourceWarning as error:
            traceback.format_exception(error)


@pytest.fixture
def collecting_often() -> Iterator[None]:
    had = gc.get_threshold()
    gc.set_threshold(100, 5, 5)
    yield
    gc.set_threshold(*had)


def _failed() -> pytest.CallInfo[None]:
    def fail() -> None:
        raise AssertionError

    return pytest.CallInfo.from_call(fail, "call")


def test_garbage_of_a_failed_test_does_not_meet_the_parsing_of_its_source(collecting_often: None) -> None:
    reporting = pytest_runtest_makereport(_failed())
    next(reporting)
    for _ in range(50):
        _Garbage()
    assert len(ast.parse(SOURCE).body) == 2000
    reporting.close()
    assert gc.isenabled()


def test_a_passed_test_is_reported_with_the_collector_on() -> None:
    reporting = pytest_runtest_makereport(pytest.CallInfo.from_call(lambda: None, "call"))
    next(reporting)
    assert gc.isenabled()
    reporting.close()
