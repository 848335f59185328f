"""A pytest plugin that tries mutants instead of running the tests it collected: each in a process forked from there.

A mutant in a function takes the place of that function's code, and is tried by the tests that come through it, those
that killed most of its siblings first, then the quickest, the properties last. What is made at import (tables,
defaults) is tried by importing everything anew, and so is what survives in a function that was called then.
"""

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pytest

from tests.mutation.forked import Child, bound_cpu, forked
from tests.mutation.mutants import FOLDER, Mutant
from tests.mutation.places import place, put_in_place, watched
from tests.mutation.planting import plant

QUICK_CPU_S: Final = 1
SLOW_CPU_S: Final = 30
"""Beyond ten times what it takes without a mutant, by a quick test or by a property: who goes on for longer is dead."""
START_CPU_S: Final = 120

Args = Sequence[str]


class Trial:
    """`verdicts` has for each mutant tried the test that killed it, or None."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, runs: Sequence[Args], told: Callable[[str], None]) -> None:
        """`runs` are pytest's arguments for some of the tests each, the quick ones first."""
        self.mutants = mutants
        self.jobs = jobs
        self.runs = runs
        self.told = told
        self.verdicts: dict[str, str | None] = {}
        self.at_import: set[str] = set()
        self.tests_of: dict[str, list[int]] = {}
        self.seconds: dict[int, float] = {}
        self.kills: dict[str, Counter[int]] = {}
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """What modules of tests call when they are imported; the suite's cases are only read."""
        if not isinstance(collector, pytest.Module) or "conformance" in collector.nodeid:
            return (yield)
        called, stop = watched()
        try:
            return (yield)
        finally:
            stop()
            self.at_import |= called

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        self.slow = [n for n, item in enumerate(self.items) if "tests/property" in item.nodeid]
        gc.freeze()
        self._measure()
        self._unchanged_survives()
        self._try_all()
        return True

    def _measure(self) -> None:
        """Runs the quick tests once, in a child, for their time and the functions they come through."""
        answer = json.loads(forked(self._measured).found())
        if answer["failed"]:
            raise pytest.UsageError(f"without a mutant this fails: {answer['failed']}")
        self.seconds = {int(n): seconds for n, seconds in answer["seconds"].items()}
        for n, functions in answer["functions"].items():
            for function in functions:
                self.tests_of.setdefault(function, []).append(int(n))
        self.told(f"{len(self.items)} tests, the quick ones in {sum(self.seconds.values()):.1f} s")

    def _measured(self) -> str:
        seconds, functions = {}, {}
        for n in sorted({*range(len(self.items))} - {*self.slow}):
            called, stop = watched()
            begun = time.process_time()
            self._run(n)
            seconds[n] = time.process_time() - begun
            stop()
            functions[n] = sorted(called)
            if self.failed:
                return json.dumps({"failed": self.items[n].nodeid})
        return json.dumps({"failed": "", "seconds": seconds, "functions": functions})

    def _unchanged_survives(self) -> None:
        """In both ways of trying: or each mutant would be killed by the way itself."""
        source = (FOLDER / "ledger.py").read_text(encoding="utf-8")
        for function in ("Ledger.add", ""):
            killer = self._begun(Mutant("ledger", function, "", "", 1, source)).found()
            if killer:
                raise pytest.UsageError(f"what is no mutant is killed by {killer}")

    def _try_all(self) -> None:
        running: dict[int, tuple[Mutant, Child]] = {}
        for mutant in self.mutants:
            if len(running) >= self.jobs:
                self._finish_one(running)
            child = self._begun(mutant)
            running[child.pid] = mutant, child
        while running:
            self._finish_one(running)

    def _finish_one(self, running: dict[int, tuple[Mutant, Child]]) -> None:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        mutant, child = running.pop(ended.si_pid)
        killer = child.found()
        if killer.isdigit():
            self.kills.setdefault(place(mutant), Counter())[int(killer)] += 1
            killer = self.items[int(killer)].nodeid
        self.verdicts[mutant.name] = killer or None
        self.told(f"{len(self.verdicts)}/{len(self.mutants)} {'killed' if killer else 'SURVIVED'} {mutant.name}")

    def _begun(self, mutant: Mutant) -> Child:
        if not mutant.function:
            return forked(lambda: self._from_the_start(mutant))
        kills = self.kills.get(place(mutant), Counter[int]())
        quick = sorted(self.tests_of.get(place(mutant), []), key=lambda n: (-kills[n], self.seconds[n]))
        slow = sorted(self.slow, key=lambda n: -kills[n])
        return forked(lambda: self._tried(mutant, [*quick, *slow]))

    def _tried(self, mutant: Mutant, tests: Sequence[int]) -> str:
        put_in_place(mutant)
        for n in tests:
            self._run(n)
            if self.failed:
                return str(n)
        return self._from_the_start(mutant) if place(mutant) in self.at_import else ""

    def _from_the_start(self, mutant: Mutant) -> str:
        bound_cpu(START_CPU_S)
        plant(mutant)
        return "a run from the start" if any(pytest.main([*run, "-x"]) for run in self.runs) else ""

    def _run(self, n: int) -> None:
        item = self.items[n]
        bound_cpu(SLOW_CPU_S if n in self.slow else QUICK_CPU_S + 10 * self.seconds.get(n, START_CPU_S))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
