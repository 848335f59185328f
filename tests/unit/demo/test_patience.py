"""Waiting as long as it usually takes."""

from deploy.local.demo.patience import LATER_S, PAUSE_MAX_S, PAUSE_MIN_S, Patience


def waits(patience: Patience, took_s: float, steps: int) -> list[float]:
    """What is waited before the first question, step after step that takes that long."""
    out = []
    for _ in range(steps):
        waited_s = patience.before_asking_s("close", "ingest", 0.0)
        out.append(waited_s)
        while waited_s < took_s:
            waited_s += patience.before_asking_again_s(waited_s)
        patience.through("close", "ingest", waited_s)
    return out


def test_at_first_one_asks_at_once() -> None:
    assert Patience().before_asking_s("close", "ingest", 0.0) == 0.0


def test_soon_about_half_way_to_when_it_is_through() -> None:
    late = waits(Patience(), 0.1, 60)[20:]
    assert 0.04 < sum(late) / len(late) < 0.06


def test_it_gets_shorter_when_things_get_faster() -> None:
    patience = Patience()
    waits(patience, 0.5, 60)
    assert waits(patience, 0.02, 30)[-1] < 0.04


def test_one_slow_step_does_not_make_the_others_wait() -> None:
    patience = Patience()
    patience.through("close", "ingest", 20.0)
    assert patience.before_asking_s("close", "ingest", 0.0) <= LATER_S


def test_steps_and_services_are_learned_apart() -> None:
    patience = Patience()
    waits(patience, 0.1, 10)
    assert patience.before_asking_s("morning", "ingest", 0.0) == 0.0
    assert patience.before_asking_s("close", "contact", 0.0) == 0.0
    assert patience.before_asking_s("close", "ingest", 10.0) == 0.0


def test_pauses_are_bounded() -> None:
    patience = Patience()
    assert patience.before_asking_again_s(0.0) == PAUSE_MIN_S
    assert patience.before_asking_again_s(100.0) == PAUSE_MAX_S
