"""How long to wait before asking again: about as long as it took the last times, so that few questions are needed.

A question takes a service a millisecond or two, which it would better spend on the work one waits for.
"""

from typing import Final

PAUSE_MIN_S: Final = 0.002
PAUSE_MAX_S: Final = 0.025
EARLY: Final = 0.85
"""Share of the usual time after which to ask first."""
PAUSE_SHARE: Final = 0.15
"""Share of the time waited so far after which to ask again."""
WEIGHT: Final = 0.3
"""Of the last time in what is usual."""


class Patience:
    """Learns how long after the beginning of a step each service is through with it."""

    def __init__(self) -> None:
        self._usual_s: dict[tuple[str, str], float] = {}

    def before_asking_s(self, step: str, name: str, waited_s: float) -> float:
        """How long to wait before the first question."""
        return max(0.0, self._usual_s.get((step, name), 0.0) * EARLY - waited_s)

    def before_asking_again_s(self, waited_s: float) -> float:
        """How long to wait after an answer that something is left."""
        return min(max(PAUSE_MIN_S, waited_s * PAUSE_SHARE), PAUSE_MAX_S)

    def through(self, step: str, name: str, waited_s: float) -> None:
        """It was seen to be through that long after the step began."""
        usual_s = self._usual_s.get((step, name), waited_s)
        self._usual_s[step, name] = usual_s + WEIGHT * (waited_s - usual_s)
