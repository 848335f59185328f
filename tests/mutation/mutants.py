"""The mutants of a module of the ledger's rules: each is its source with one small change.

Unlike mutmut, whose operators these are, this changes properties, class bodies and a module's tables too.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import libcst as cst
import libcst.matchers as m
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from tests.mutation.operators import NO_EFFECT, others

FOLDER: Final = Path(__file__).parents[2] / "services/ingest/domain"
Change = tuple[str, cst.CSTNode, cst.CSTNode]
"""The function it is in ("" outside of functions), a node and what stands in its place."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    function: str
    """Its name within the module; "" for what runs when the module is imported."""
    was: str
    becomes: str
    times: int
    """Which of several equal changes of equal lines in the function, from 1."""
    source: str

    @property
    def name(self) -> str:
        """What it is listed by; stays the same wherever in the function its line goes."""
        often = f" #{self.times}" if self.times > 1 else ""
        return f"{self.module}.{self.function or '(module)'}: {self.was} -> {self.becomes}{often}"

    @property
    def dotted(self) -> str:
        return f"services.ingest.domain.{self.module}"

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.module}.py"


def modules() -> list[str]:
    """All that have rules in them."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stat().st_size)


def mutants_of(module: str) -> list[Mutant]:
    """All of a module, in the order of its lines; those that are no Python or no change are left out."""
    source = (FOLDER / f"{module}.py").read_bytes()
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    seen, found, lines = Counter[tuple[str, str, str]](), [], source.decode().splitlines()
    for function, node, other in _changes(wrapper.module, (), ""):
        begin, end = spans[node].start, spans[node].start + spans[node].length
        written = wrapper.module.code_for_node(_bare(node, other)).encode()
        written = written if source[begin : begin + 1].isspace() else written.strip()
        changed = (source[:begin] + written + source[end:]).decode()
        if _without_strict(changed) != _without_strict(source.decode()) and _compiles(changed):
            was, becomes = _difference(lines, changed.splitlines())
            seen[function, was, becomes] += 1
            found.append(Mutant(module, function, was, becomes, seen[function, was, becomes], changed))
    return found


def _changes(node: cst.CSTNode, scope: tuple[str, ...], function: str) -> Iterator[Change]:
    if m.matches(node, NO_EFFECT) or (not function and m.matches(node, m.Assign(value=m.Subscript()))):
        return
    yield from ((function, was, becomes) for was, becomes in others(node))
    if isinstance(node, (cst.ClassDef, cst.FunctionDef)):
        scope = (*scope, node.name.value)
    for child in node.children:
        # Defaults of parameters are made where a function is, not in it.
        enters = isinstance(node, cst.FunctionDef) and child is node.body and not function
        yield from _changes(child, scope, ".".join(scope) if enters else function)


def _bare(node: Any, other: Any) -> cst.CSTNode:
    """Without the parentheses that are around the node already."""
    around = getattr(node, "lpar", ())
    bare: cst.CSTNode = other.with_changes(lpar=[], rpar=[]) if around and other.lpar == around else other
    return bare


def _without_strict(source: str) -> str:
    """What is zipped here is of one length or meant not to be: `strict` shows mistakes and makes none."""
    return re.sub(r"(, *)?strict=(True|False|None)|, *(?=\))", "", source)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    """The lines that differ, each side in one line."""
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    was, becomes = (" ".join(line.strip() for line in lines) for lines in (before, after))
    return was, becomes
