"""How long to wait before asking again: so that few questions are needed and none comes much too late.

A question takes a service a millisecond or two, which it would better spend on the work one waits for. But days differ:
after one with many messages, the next may have none.
"""

from typing import Final

PAUSE_MIN_S: Final = 0.002
PAUSE_MAX_S: Final = 0.01
PAUSE_SHARE: Final = 0.1
"""Share of the time waited so far after which to ask again."""
EARLY_SHARE: Final = 0.5
"""Share of the usual time after which to ask first."""
LATER: Final = 1.3
LATER_S: Final = 0.01
"""One slow step does not make all others wait: what is usual grows by no more than that at a time."""


class Patience:
    """Learns how long after the beginning of a step each service is through with it."""

    def __init__(self) -> None:
        self._usual_s: dict[tuple[str, str], float] = {}

    def before_asking_s(self, step: str, name: str, waited_s: float) -> float:
        """How long to wait before the first question."""
        return max(0.0, self._usual_s.get((step, name), 0.0) * EARLY_SHARE - waited_s)

    def before_asking_again_s(self, waited_s: float) -> float:
        """How long to wait after an answer that something is left."""
        return min(max(PAUSE_MIN_S, waited_s * PAUSE_SHARE), PAUSE_MAX_S)

    def through(self, step: str, name: str, waited_s: float) -> None:
        """It was seen to be through that long after the step began."""
        usual_s = self._usual_s.get((step, name), 0.0)
        self._usual_s[step, name] = min((usual_s + waited_s) / 2, usual_s * LATER + LATER_S)
