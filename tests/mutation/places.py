"""Functions of the rules by name, "ledger.Ledger.add": which of them are called, and other code put in their place.

Apart from when that is done (`trial`).
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import FOLDER, Mutant


def place(mutant: Mutant) -> str:
    """The function a mutant is in."""
    return f"{mutant.module}.{mutant.function}"


def watched() -> tuple[set[str], Callable[[], None]]:
    """The functions that are called from now on, and what ends that."""
    called, codes, folder = set[str](), set[CodeType](), str(FOLDER)

    def on_event(frame: Any, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code not in codes:
            codes.add(code)
            if code.co_filename.startswith(folder):
                called.add(f"{Path(code.co_filename).stem}.{code.co_qualname.partition('.<locals>')[0]}")

    sys.setprofile(on_event)
    return called, lambda: sys.setprofile(None)


def put_in_place(mutant: Mutant) -> None:
    """From now on the function does what the mutant does, whoever imported it."""
    for code in _codes(compile(mutant.source, str(mutant.path), "exec")):
        if code.co_qualname == mutant.function:
            _function(sys.modules[mutant.dotted], mutant.function).__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _function(module: ModuleType, name: str) -> FunctionType:
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    for inner in ("fget", "func", "__func__"):
        found = getattr(found, inner, None) or found
    assert isinstance(found, FunctionType)
    return found
