"""Tries the mutants of services/ingest/domain against the tests of its rules: `python -m tests.mutation`.

With all modules it writes docs/mutants.md. It fails when a mutant survives without a reason in survivors.yaml, or is
listed there and killed, or when fewer than 95 % are killed. What was found is kept in .mutants.json as it is found: a
run that was stopped goes on with --again.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from tests.mutation import examples, report
from tests.mutation.mutants import Mutant, modules, mutants_of
from tests.mutation.trial import Trial

TESTS: Final = [
    ["tests/unit/ingest", "--ignore=tests/unit/ingest/test_pack_guide.py"],
    ["tests/conformance"],
    sorted(str(file) for file in Path("tests/property").glob("test_ingest_*.py")),
]
"""What kills, the quickest first; the guide to packs says nothing of the rules."""
ARGS: Final = [
    "-k", "not door and not suite and not noticed", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist",
    "--timeout=0", "-W", "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
"""Nor do the suite's door and its own checks."""
SHARE: Final = "0.1"
"""Of the properties' examples: a survivor takes them all."""
KILLED_MIN: Final = 0.95
RESULTS: Final = Path(".mutants.json")


def main() -> None:
    """See above."""
    asked = _arguments()
    mutants = [mutant for module in asked.modules for mutant in mutants_of(module)]
    stored: dict[str, str | None] = {}
    if (asked.again or asked.report) and RESULTS.exists():
        stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    begun = time.monotonic()
    if not asked.report:
        reasons = report.listed() if asked.again else {}
        untried = [m for m in mutants if stored.get(m.name) is None and not (m.name in stored and m.name in reasons)]
        stored |= _verdicts(untried, stored, asked.jobs)
        print(f"{(time.monotonic() - begun) / 60:.0f} min with {asked.jobs} processes")
    sys.exit(_told(mutants, {mutant.name: stored[mutant.name] for mutant in mutants if mutant.name in stored}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="mutants of the ledger's rules")
    parser.add_argument("modules", nargs="*", help="of services/ingest/domain; all")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side; 2")
    parser.add_argument("--again", action="store_true", help="only what was not tried yet or survived without a reason")
    parser.add_argument("--report", action="store_true", help="nothing is tried: what the last runs found")
    asked = parser.parse_args()
    asked.modules = asked.modules or modules()
    return asked


def _told(mutants: Sequence[Mutant], verdicts: report.Verdicts) -> bool:
    """Whether something is wrong with it."""
    print(*report.table(mutants, verdicts), sep="\n")
    if {mutant.module for mutant in mutants} == {*modules()}:
        report.DOCUMENT.write_text(report.document(mutants, verdicts), encoding="utf-8")
    faults = report.faults(verdicts, report.listed())
    print(*faults, sep="\n")
    killed = sum(killer is not None for killer in verdicts.values())
    return bool(faults) or killed < KILLED_MIN * len(mutants)


def _verdicts(mutants: Sequence[Mutant], stored: report.Verdicts, jobs: int) -> report.Verdicts:
    os.environ.setdefault("ARREARS_TEST_EXAMPLES_TIMES", SHARE)
    examples.few_and_always_the_same()

    def told(text: str) -> None:
        print(text, flush=True)
        RESULTS.write_text(json.dumps({**stored, **trial.verdicts}, indent=1), encoding="utf-8")

    trial = Trial(mutants, jobs, [[*tests, *ARGS] for tests in TESTS], told)
    code = pytest.main([*chain.from_iterable(TESTS), *ARGS], plugins=[trial])
    if code != pytest.ExitCode.OK:
        sys.exit(f"the tests could not be run: {code!r}")
    return trial.verdicts


if __name__ == "__main__":
    main()
