"""Time that something took, by the clock and of this process's CPU: the latter hardly depends on what else runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Took:
    """Seconds; zero until the block has ended."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def figures(self, count: int) -> dict[str, float]:
        """So many in that time: how many a second, and this process's CPU for each, without the database's."""
        return {"per_s": count / self.wall_s, "own_cpu_us": self.cpu_s / count * 1e6}


@contextmanager
def stopwatch() -> Iterator[Took]:
    """Measures the block."""
    took, wall, cpu = Took(), time.perf_counter(), time.process_time()
    yield took
    took.wall_s, took.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
