"""Dice without state: the draws of a place (a customer, an account's month) depend on the seed and the place alone.

So the order of asking does not matter, and a portfolio of any size needs no generator kept per account.
"""

from hashlib import blake2b
from struct import Struct
from typing import Final

SIDES: Final = 65_536
"""A draw is an integer in [0, SIDES)."""

_SIXTEEN: Final = Struct("<16H")

Draws = tuple[int, ...]


def draws(seed: int, what: str, number: int, part: int = 0) -> Draws:
    """Sixteen independent draws for one place."""
    place = f"{seed}/{what}/{number}/{part}".encode()
    return _SIXTEEN.unpack(blake2b(place, digest_size=32).digest())


def within(draw: int, low: int, high: int) -> int:
    """The draw as an integer in [low, high], both included."""
    return low + (draw * (high - low + 1) >> 16)


def happens(draw: int, share: float) -> bool:
    """Whether something with that probability happens on this draw."""
    return draw < share * SIDES
