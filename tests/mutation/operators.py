"""How a piece of code is got wrong: mutmut's operators, and what they leave out.

Apart from where they are applied (`mutants`).
"""

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators

SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
TRIVIAL: Final = m.Call(func=m.Name("len") | m.Name("isinstance") | m.Name("super"))
"""Without their arguments these fail always: such a mutant shows nothing."""
NO_EFFECT: Final = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.Call(func=m.Name("TypeVar") | m.Name("field"))
    | m.Subscript(value=m.Name("Literal"))
    | m.Assign(targets=[m.AssignTarget(m.Name("__all__"))])
    | m.AnnAssign(annotation=m.Annotation(m.Name("TypeAlias")))
)
"""What only a type checker or an importer reads, decorators, and what data classes compare and print."""


def others(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """This node or one in it, and what may stand in its place instead."""
    if not m.matches(node, TRIVIAL):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                yield from ((node, other) for other in operator(node))
    yield from _turned(node)
    yield from ((node, other) for other in _left_out(node))


def _turned(node: Any) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Branches taken always or never, filters that let all pass, the other end of several values."""
    if isinstance(node, (cst.If, cst.CompIf)):
        yield node.test, _joined(node.test, cst.Or(), "True")
    if isinstance(node, cst.If):
        yield node.test, _joined(node.test, cst.And(), "False")
    if m.matches(node, m.Call(func=m.Name())) and node.func.value in SWAPPED:
        yield node.func, cst.Name(SWAPPED[node.func.value])


def _joined(test: Any, operator: Any, literal: str) -> cst.BooleanOperation:
    whole = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.BooleanOperation(left=whole, operator=operator, right=cst.Name(literal))


def _left_out(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Statements that do nothing, functions that answer nothing."""
    is_text = m.matches(node, m.Expr(m.SimpleString() | m.ConcatenatedString()))
    if isinstance(node, (cst.Raise, cst.Expr)) and not is_text:
        yield cst.Pass()
    if isinstance(node, cst.Return) and node.value is not None and not m.matches(node.value, m.Name("None")):
        yield node.with_changes(value=cst.Name("None"))
