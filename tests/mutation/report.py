"""What became of the mutants: how many each module had, which survived and why that is right, as docs/mutants.md."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from tests.mutation.mutants import Mutant

LISTED: Final = Path(__file__).with_name("survivors.yaml")
DOCUMENT: Final = Path(__file__).parents[2] / "docs/mutants.md"
ABOUT: Final = """# Mutants of the ledger's rules

Written by `make mutants`. Each mutant is `services/ingest/domain` with one small change: a comparison, a bound, an
operator, a constant, an argument, a branch, a filter, a statement or an answer. The changes are mutmut's and some that
it leaves out (`tests/mutation/operators.py`). A mutant is killed when a test fails: unit tests first, then the
conformance suite through the function, then a tenth of the properties' examples, the same ones in each run.

Left alone are types, imports, decorators, what a data class prints and compares, and `len` and `isinstance`, which
fail always without their arguments.
"""
Verdicts = Mapping[str, str | None]
"""By name of a mutant the test that killed it, None for a survivor."""


def listed() -> dict[str, str]:
    """The survivors that may survive, each with the reason."""
    groups = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    return {name: group["reason"] for group in groups for name in group["mutants"]}


def faults(verdicts: Verdicts, reasons: Mapping[str, str]) -> list[str]:
    """Survivors without a reason, and reasons for what does not survive."""
    survivors = {name for name, killer in verdicts.items() if killer is None}
    unlisted = [f"survives: {name}" for name in sorted(survivors - reasons.keys())]
    return unlisted + [f"listed, but killed: {name}" for name in sorted(reasons.keys() & verdicts.keys() - survivors)]


def table(mutants: Iterable[Mutant], verdicts: Verdicts) -> list[str]:
    """Markdown: a line for each module and one for all; what was not tried counts neither way."""
    by_module: dict[str, list[str]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant.name)
    rows = [_row(module, names, verdicts) for module, names in sorted(by_module.items())]
    everything = [name for names in by_module.values() for name in names]
    head = ["| module | mutants | tried | killed | survivors | killed, % |", "|---|--:|--:|--:|--:|--:|"]
    return [*head, *rows, _row("all", everything, verdicts)]


def _row(module: str, names: Sequence[str], verdicts: Verdicts) -> str:
    tried = [verdicts[name] for name in names if name in verdicts]
    survivors = tried.count(None)
    killed = len(tried) - survivors
    share = f"{100 * killed / len(tried):.1f}" if tried else ""
    return f"| {module} | {len(names)} | {len(tried)} | {killed} | {survivors} | {share} |"


def document(mutants: Sequence[Mutant], verdicts: Verdicts) -> str:
    """The whole page."""
    reasons = listed()
    groups: dict[str, list[str]] = {}
    for mutant in mutants:
        if verdicts.get(mutant.name, "") is None:
            groups.setdefault(reasons.get(mutant.name, "Not looked into yet."), []).append(mutant.name)
    lines = [ABOUT, *table(mutants, verdicts), "", "## Survivors", ""]
    for reason, names in groups.items():
        lines += [reason.strip(), "", *[f"- `{name}`" for name in names], ""]
    return "\n".join(lines).rstrip() + "\n"
