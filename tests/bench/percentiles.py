"""Spread of what was measured many times."""

from collections.abc import Sequence


def spread_ms(seconds: Sequence[float]) -> dict[str, float]:
    """How many there are, and their percentiles in milliseconds."""
    ordered = sorted(seconds)
    found = {
        f"p{percent}_ms": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in (50, 90, 99)
    }
    return {"count": len(ordered)} | {name: one * 1000 for name, one in (found | {"max_ms": ordered[-1]}).items()}
