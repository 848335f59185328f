"""The rules of one account as values: its ageing policy and the classifications derived from the same days.

Apart from the packs' YAML: what is here is complete and consistent, or cannot be built. No rule of a lender or a
regulator is code; days, labels and conventions are data.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

TEN_THOUSAND: Final = 10_000
"""Basis points in a whole."""


@dataclass(frozen=True, slots=True)
class Band:
    """A named range of days past due, from `from_days` up to where the next one begins."""

    name: str
    from_days: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Bands that cover every number of days from 0 without a gap; ValueError where they do not."""

    bands: tuple[Band, ...]
    starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = tuple(band.from_days for band in self.bands)
        if not starts or starts[0] != 0:
            raise ValueError("the first band begins at 0 days")
        if any(later <= earlier for earlier, later in pairwise(starts)):
            raise ValueError("each band begins after the one before it")
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "names", tuple(band.name for band in self.bands))

    def name_of(self, days: int) -> str:
        """The band that holds so many days."""
        return self.names[bisect_right(self.starts, days) - 1]


@dataclass(frozen=True, slots=True)
class Materiality:
    """Arrears count as delinquent when above both thresholds; a currency without an amount has no absolute one."""

    absolute_minor: Mapping[str, int]
    relative_bp: int = 0

    def passed(self, arrears_minor: int, exposure_minor: int, currency: str) -> bool:
        """Whether arrears are above the amount of the currency and above the share of exposure."""
        above_share = arrears_minor * TEN_THOUSAND > exposure_minor * self.relative_bp
        return above_share and arrears_minor > self.absolute_minor.get(currency, 0)


@dataclass(frozen=True, slots=True)
class Policy:
    """An ageing pack: how repayments meet bills, when a bill is overdue, how days are counted and named.

    `full_payment_tolerance_bp`: a bill short by no more than this share of its amount does not age the account. The
    shortfall stays in arrears and takes the next repayment first.
    """

    name: str
    version: int
    surplus: Literal["carries_forward", "settles_balance"]
    overdue: Literal["day_after", "due_day"]
    buckets: Scale
    grace_days: int = 0
    full_payment_tolerance_bp: int = 0
    materiality: Materiality | None = None

    def material(self, arrears_minor: int, exposure_minor: int, currency: str) -> bool:
        """Whether arrears of that size can make the account delinquent."""
        return self.materiality is None or self.materiality.passed(arrears_minor, exposure_minor, currency)


@dataclass(frozen=True, slots=True)
class Classification:
    """Labels by days past due. From `held_from` days on a label is kept until all arrears are paid (RBI: NPA)."""

    name: str
    version: int
    labels: Scale
    held_from: int | None = None

    def label(self, days: int, worst_days: int) -> str:
        """The label at so many days, `worst_days` being the most since arrears were last zero."""
        if self.held_from is not None and worst_days >= self.held_from:
            return self.labels.name_of(max(days, self.held_from))
        return self.labels.name_of(days)


Labels = tuple[tuple[str, str], ...]
"""Pairs of classification name and label, in the account's order."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that governs one account."""

    policy: Policy
    classifications: tuple[Classification, ...] = ()
    bounds: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Every number of days at which a name may change, ascending, 1 included."""

    def __post_init__(self) -> None:
        starts: Iterable[int] = (n for c in self.classifications for n in c.labels.starts)
        object.__setattr__(self, "bounds", tuple(sorted({1, *starts, *self.policy.buckets.starts} - {0})))

    def labels(self, days: int, worst_days: int) -> Labels:
        """What each classification says."""
        return tuple([(c.name, c.label(days, worst_days)) for c in self.classifications])

    def next_bound(self, days: int, worst_days: int, material: bool) -> int | None:
        """The first number of days above `days` at which bucket, label or delinquency is another; None for never."""
        names = self.policy.buckets
        bucket, labels = names.name_of(days), self.labels(days, worst_days)
        for bound in self.bounds[bisect_right(self.bounds, days) :]:
            begins = days == 0 and material
            if begins or names.name_of(bound) != bucket or self.labels(bound, max(worst_days, bound)) != labels:
                return bound
        return None
