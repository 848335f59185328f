"""Waiting as long as it usually takes."""

from deploy.local.demo.patience import EARLY, PAUSE_MAX_S, PAUSE_MIN_S, Patience


def test_at_first_one_asks_at_once() -> None:
    assert Patience().before_asking_s("close", "ingest", 0.0) == 0.0


def test_then_about_when_it_usually_is_through() -> None:
    patience = Patience()
    for _ in range(20):
        patience.through("close", "ingest", 0.1)
    assert abs(patience.before_asking_s("close", "ingest", 0.0) - 0.1 * EARLY) < 1e-9
    assert patience.before_asking_s("close", "ingest", 0.09) == 0.0
    assert patience.before_asking_s("morning", "ingest", 0.0) == 0.0


def test_what_is_usual_follows_what_happens() -> None:
    patience = Patience()
    patience.through("close", "ingest", 0.1)
    for _ in range(20):
        patience.through("close", "ingest", 0.02)
    assert patience.before_asking_s("close", "ingest", 0.0) < 0.02


def test_pauses_are_bounded() -> None:
    patience = Patience()
    assert patience.before_asking_again_s(0.0) == PAUSE_MIN_S
    assert patience.before_asking_again_s(100.0) == PAUSE_MAX_S
