"""Customers, each a pure function of the seed and a number: where they live, how they are reached, what they allow."""

from enum import Enum
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from deploy.local.portfolio.chance import draws, happens, within
from deploy.local.portfolio.places import PLACES, Place

NO_ZONE: Final = 0.03
"""Time zone unknown; half of these have no region either, so that nobody may be contacted."""
NO_MOBILE: Final = 0.06
NO_EMAIL: Final = 0.12
NO_CONSENT: Final = 0.05
"""Opted out of text messages before the history begins."""
ACCOUNTS: Final = ((0.72, 1), (0.94, 2), (1.0, 3))
"""Cumulative shares of customers by number of accounts."""
ACCOUNTS_MEAN: Final = 1.34


class Temper(Enum):
    """How somebody pays, with the cumulative share of the customers."""

    PUNCTUAL = 0.68
    CARELESS = 0.86
    STRAINED = 0.93
    SINKING = 1.0


class Customer(NamedTuple):
    """What core banking knows of a customer, and what only the simulation knows: the temper."""

    number: int
    id: str
    name: str
    place: Place
    time_zone: str | None
    region: str | None
    mobile: str | None
    email: str | None
    consents: tuple[str, ...]
    opted_out: tuple[str, ...]
    accounts: int
    temper: Temper


_REACH: Final = tuple(accumulate(place.share for place in PLACES))


@lru_cache(maxsize=131_072)
def customer(seed: int, number: int) -> Customer:
    """The customer of that number."""
    d = draws(seed, "customer", number)
    place = PLACES[next(i for i, reach in enumerate(_REACH) if d[0] * 100 < reach * 65_536)]
    lost = happens(d[1], NO_ZONE)
    given, family = place.given[within(d[2], 0, 7)], place.family[within(d[3], 0, 7)]
    reachable = not happens(d[8], NO_CONSENT)
    return Customer(
        number=number,
        id=f"C{number:07d}",
        name=f"{given} {family}",
        place=place,
        time_zone=None if lost else place.time_zone,
        region=None if lost and d[1] % 2 else place.regions[within(d[4], 0, len(place.regions) - 1)],
        mobile=None if happens(d[5], NO_MOBILE) else f"{place.dial}{number:07d}",
        email=None if happens(d[6], NO_EMAIL) else f"c{number:07d}@example.com",
        consents=("sms", "email") if reachable else ("email",),
        opted_out=() if reachable else ("sms",),
        accounts=next(count for share, count in ACCOUNTS if happens(d[7], share)),
        temper=next(temper for temper in Temper if happens(d[9], temper.value)),
    )


def customer_number(customer_id: str) -> int:
    """The number in a customer's id."""
    return int(customer_id[1:])
