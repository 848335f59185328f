"""One account as it is kept between facts, and how it is written down: short, JSON-able, dates as ordinals.

Apart from what facts and days make of it (`account`).
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from services.ingest.domain.assessment import Assessment
from services.ingest.domain.counters import Counter
from services.ingest.domain.ledger import Ledger
from services.ingest.domain.policy import Rules
from services.ingest.domain.spells import NO_SPELL, Spell

RulesOf = Callable[[str, Sequence[str]], Rules]
"""The rules of a policy's name and classifications' names."""

_NEVER: Final = date.min


class Account:
    """What is kept of one account. Change it through `apply` and `age` only."""

    __slots__ = (
        "account_id",
        "as_of",
        "assessment",
        "classifications",
        "currency",
        "customer_id",
        "eve",
        "ledger",
        "policy",
        "product",
        "rules",
        "rules_of",
        "spell",
        "version",
        "waiting",
    )

    def __init__(self, account_id: str, rules_of: RulesOf, ledger: Ledger) -> None:
        self.account_id = account_id
        self.rules_of = rules_of
        self.rules: Rules | None = None
        self.as_of = _NEVER
        self.version = 0
        self.waiting = 0
        """How many facts arrived before the account opened."""
        self.assessment: Assessment | None = None
        """The last one made; after a quiet day of ageing it is of an earlier day than `as_of`."""
        self.customer_id = self.product = self.currency = self.policy = ""
        self.classifications: tuple[str, ...] = ()
        self.ledger = ledger
        self.eve = NO_SPELL
        """The delinquency of the day before `as_of`."""
        self.spell = NO_SPELL
        """That of `as_of` itself."""

    @classmethod
    def new(cls, account_id: str, rules_of: RulesOf) -> "Account":
        """An account of which nothing has arrived yet."""
        return cls(account_id, rules_of, Ledger())

    @property
    def post_dated(self) -> bool:
        """Whether facts wait for their date; until then each fact, and each change by ageing, needs history."""
        return self.ledger.pending_on is not None

    def pack(self) -> list[Any]:
        """JSON-able; dates as ordinals."""
        now = self.assessment
        packed: list[Any] = [self.as_of.toordinal(), self.version, self.waiting]
        if self.rules is None or now is None:
            return packed
        names = [self.customer_id, self.product, self.currency, self.policy, list(self.classifications)]
        return [
            *packed,
            names,
            self.ledger.pack(),
            _packed_spell(self.eve),
            _packed_spell(self.spell),
            pack_assessment(now),
        ]

    @classmethod
    def unpack(cls, account_id: str, packed: Sequence[Any], rules_of: RulesOf) -> "Account":
        """The account that `pack` made these values of, under the rules in force now."""
        if len(packed) == 3:
            account = cls.new(account_id, rules_of)
        else:
            _, _, _, names, ledger, eve, spell, now = packed
            account = cls(account_id, rules_of, Ledger.unpack(ledger))
            account.customer_id, account.product, account.currency, account.policy, classifications = names
            account.classifications = tuple(classifications)
            account.rules = rules_of(account.policy, account.classifications)
            account.eve, account.spell = _unpacked_spell(eve), _unpacked_spell(spell)
            account.assessment = unpack_assessment(now)
        account.as_of = date.fromordinal(packed[0])
        account.version, account.waiting = packed[1], packed[2]
        return account


def _packed_spell(spell: Spell) -> list[Any] | None:
    if spell is NO_SPELL:
        return None
    return [spell.since.toordinal() if spell.since else None, spell.worst_days, *map(list, spell.counters)]


def _unpacked_spell(packed: Sequence[Any] | None) -> Spell:
    if packed is None:
        return NO_SPELL
    since, worst_days, *counters = packed
    return Spell(_day(since), worst_days, tuple([Counter(*counter) for counter in counters]))


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)


def pack_assessment(now: Assessment) -> list[Any]:
    """JSON-able, the fields in order; dates as ordinals."""
    return [
        now.as_of.toordinal(),
        now.days_past_due,
        now.bucket,
        now.delinquent,
        now.delinquent_since and now.delinquent_since.toordinal(),
        now.arrears_minor,
        now.exposure_minor,
        now.oldest_due_on and now.oldest_due_on.toordinal(),
        [list(label) for label in now.classifications],
        now.state,
        now.next_transition_on and now.next_transition_on.toordinal(),
    ]


def unpack_assessment(packed: Sequence[Any]) -> Assessment:
    """The assessment that `pack_assessment` made these values of."""
    as_of, days, bucket, delinquent, since, arrears, exposure, oldest, labels, state, following = packed
    named = tuple([(name, label) for name, label in labels])
    since, oldest, following = _day(since), _day(oldest), _day(following)
    as_of = date.fromordinal(as_of)
    return Assessment(as_of, days, bucket, delinquent, since, arrears, exposure, oldest, named, state, following)
