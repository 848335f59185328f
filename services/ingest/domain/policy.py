"""The rules of one account as values: its ageing policy and the classifications derived from the same days.

Apart from the packs' YAML: what is here is complete and consistent, or cannot be built. No rule of a lender or a
regulator is code; days, labels and conventions are data.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

TEN_THOUSAND: Final = 10_000
"""Basis points in a whole."""
NEVER_HELD: Final = 10**7
"""More days than any account is past due."""


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
        if len({band.name for band in self.bands}) < len(self.bands):
            raise ValueError("each band has a name of its own")
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "names", tuple(band.name for band in self.bands))

    def name_of(self, days: int) -> str:
        """The band that holds so many days."""
        return self.names[bisect_right(self.starts, days) - 1]


@dataclass(frozen=True, slots=True)
class Materiality:
    """Arrears count as delinquent when above both thresholds; a currency without an amount has no absolute one.

    With `consecutive_days` no day counts before arrears were material without a break; otherwise the thresholds say
    only whether an account is delinquent.
    """

    absolute_minor: Mapping[str, int]
    relative_bp: int = 0
    consecutive_days: bool = True

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
class Probation:
    """How long a label stays after its days have ended, and after a re-age while it held (EBA/GL/2016/07, 71, 72)."""

    months: int
    months_after_reage: int


@dataclass(frozen=True, slots=True)
class Classification:
    """Labels by days. From `held_from` days on a label is kept: until all arrears are paid (RBI: NPA), or through a
    probation where there is one.

    The days are those past due, or with `materiality` the consecutive days on which arrears were above it.
    """

    name: str
    version: int
    labels: Scale
    held_from: int | None = None
    materiality: Materiality | None = None
    probation: Probation | None = None
    cite: str = ""

    @property
    def tracked(self) -> bool:
        """Whether the label depends on days of its own, beside days past due and the worst of them."""
        return self.materiality is not None or self.probation is not None

    def label(self, days: int, worst_days: int) -> str:
        """The label at so many days, `worst_days` being the most since arrears were last zero."""
        if self.held_from is not None and self.probation is None and worst_days >= self.held_from:
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
    """Every number of days at which a name changes, ascending."""
    named: tuple[tuple[str, Labels], ...] = field(init=False, repr=False, compare=False)
    """Bucket and labels before the first bound, and from each bound on, where no label is held."""

    held_from: int = field(init=False, repr=False, compare=False)
    """From so many days on some label may be held until arrears are paid."""

    tracked: tuple[Classification, ...] = field(init=False, repr=False, compare=False)
    """The classifications that count days of their own."""

    eventful: bool = field(init=False, repr=False, compare=False)
    """Whether days must be followed one change after the other, since age alone does not tell them."""

    weighs_exposure: bool = field(init=False, repr=False, compare=False)
    """Whether a balance can change what is delinquent."""

    packs: str = field(init=False, repr=False, compare=False)
    """Names and versions of the packs, as an account folded by them is stamped: "instalment@1 ifrs9@2"."""

    def __post_init__(self) -> None:
        starts = {n for c in self.classifications for n in c.labels.starts} | {*self.policy.buckets.starts}
        bounds = tuple(sorted(starts - {0}))
        named = tuple([(self.policy.buckets.name_of(n), self._labels(n, n)) for n in (0, *bounds)])
        paid_up = [c.held_from for c in self.classifications if c.held_from is not None and c.probation is None]
        held = min(paid_up, default=NEVER_HELD)
        tracked = tuple([c for c in self.classifications if c.tracked])
        materiality = self.policy.materiality
        consecutive = materiality is not None and materiality.consecutive_days
        weighs = materiality is not None or any(c.materiality is not None for c in tracked)
        object.__setattr__(self, "tracked", tracked)
        object.__setattr__(self, "eventful", consecutive or bool(tracked))
        object.__setattr__(self, "weighs_exposure", weighs)
        object.__setattr__(self, "held_from", held)
        object.__setattr__(self, "bounds", bounds)
        object.__setattr__(self, "named", named)
        packs = [f"{self.policy.name}@{self.policy.version}", *[f"{c.name}@{c.version}" for c in self.classifications]]
        object.__setattr__(self, "packs", " ".join(packs))

    def names(self, days: int, worst_days: int) -> tuple[str, Labels]:
        """Bucket and labels at so many days, `worst_days` being the most since arrears were last zero."""
        names = self.named[bisect_right(self.bounds, days)]
        return names if worst_days < self.held_from else (names[0], self._labels(days, worst_days))

    def _labels(self, days: int, worst_days: int) -> Labels:
        return tuple([(c.name, c.label(days, worst_days)) for c in self.classifications])

    def next_bound(self, days: int, worst_days: int, material: bool) -> int | None:
        """The first number of days above `days` at which bucket, label or delinquency is another; None for never."""
        if not days and material:
            return 1
        following = bisect_right(self.bounds, days)
        if worst_days >= self.held_from:
            names = self.names(days, worst_days)
            later = self.bounds[following:]
            return next((bound for bound in later if self.names(bound, worst_days) != names), None)
        return self.bounds[following] if following < len(self.bounds) else None
