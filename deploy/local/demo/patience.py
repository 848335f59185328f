"""How long to wait before asking again: about as long as it took the last times, so that few questions are needed.

A question takes a service a millisecond or two, which it would better spend on the work one waits for.
"""

from typing import Final

PAUSE_MIN_S: Final = 0.002
PAUSE_MAX_S: Final = 0.02
PAUSE_SHARE: Final = 0.15
"""Share of the time waited so far after which to ask again."""
SOONER: Final = 0.8
"""When the first question came late enough, the next time it comes so much sooner: how late it was is not known."""
LATER: Final = 1.3
LATER_S: Final = 0.01
"""When it came too early, the next one comes later, but one slow step does not make all others wait."""


class Patience:
    """Learns how long after the beginning of a step each service is through with it."""

    def __init__(self) -> None:
        self._usual_s: dict[tuple[str, str], float] = {}

    def before_asking_s(self, step: str, name: str, waited_s: float) -> float:
        """How long to wait before the first question."""
        return max(0.0, self._usual_s.get((step, name), 0.0) - waited_s)

    def before_asking_again_s(self, waited_s: float) -> float:
        """How long to wait after an answer that something is left."""
        return min(max(PAUSE_MIN_S, waited_s * PAUSE_SHARE), PAUSE_MAX_S)

    def through(self, step: str, name: str, waited_s: float, questions: int) -> None:
        """It was seen to be through that long after the step began, by that many questions."""
        usual_s = self._usual_s.get((step, name), 0.0)
        if questions == 1:
            usual_s *= SOONER
        else:
            usual_s = min(waited_s, usual_s * LATER + LATER_S)
        self._usual_s[step, name] = usual_s
