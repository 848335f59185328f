"""Property tests as killers: the same examples in each run, none made smaller when one fails."""

from hypothesis import HealthCheck, Phase, settings


def few_and_always_the_same() -> None:
    """To be called before the tests are imported; how few, ARREARS_TEST_EXAMPLES_TIMES says."""
    settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
