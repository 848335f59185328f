"""The contact funnel, what the gate refused, and promises."""

from typing import Final

from services.reporting.metrics.definition import CURRENCY, Column, Metric, Rate, View
from services.reporting.tables import STAGES

_REQUESTED_ON: Final = Column("requested_on", "date", "date (UTC) the contacts were requested")
_CHANNEL: Final = Column("channel", "text", "sms, email, call or letter")
_RULE: Final = Column("rule", "text", "rule that suppressed them; empty when none did")

_MEANINGS: Final = {
    "requested": "contacts strategy asked for",
    "suppressed": "of them refused by the gate, withdrawn or expired",
    "attempted": "of them handed to the provider, or called",
    "delivered": "of them reported delivered",
    "failed": "of them refused or undeliverable",
    "reached": "of them delivered or answered",
    "right_party": "of them in which the customer was spoken to",
    "promised": "of them in which the customer promised to pay",
    "kept": "of them whose promise was kept",
    "broken": "of them whose promise was broken",
}
_COUNTS: Final = tuple(Column(stage, "count", _MEANINGS[stage]) for stage in STAGES)
_SUMS: Final = tuple(
    Column(f"{stage}_minor", "money", f"arrears at the request, {_MEANINGS[stage]}") for stage in STAGES
)

CONTACT_DAILY: Final = View(
    "contact_daily",
    "Contacts by the day they were requested, channel and suppressing rule, with the stages they have reached so far.",
    (_REQUESTED_ON, CURRENCY, _CHANNEL, _RULE, *_COUNTS, *_SUMS),
    "SELECT requested_on, currency, channel, rule, "
    + ", ".join(f"sum({column.name})::bigint AS {column.name}" for column in (*_COUNTS, *_SUMS))
    + "\nFROM contact_count GROUP BY requested_on, currency, channel, rule HAVING sum(requested) > 0",
)

CONTACT_FUNNEL: Final = Metric(
    "contact_funnel",
    "Contact funnel of each day",
    "Of the contacts requested on a day: how many were attempted, reached, reached the right party, brought a promise, "
    "and kept it. contact rate = reached / attempted; right-party rate = right party / attempted; promise rate = "
    "promised / right party; kept rate = kept / (kept + broken). Money is the case's arrears at the request.",
    CONTACT_DAILY,
    ("requested_on", "currency", "channel"),
    (
        *_COUNTS,
        Column("judged", "count", "kept or broken", "sum(kept + broken)"),
        *_SUMS,
        Column("judged_minor", "money", "arrears at the request, kept or broken", "sum(kept_minor + broken_minor)"),
    ),
    (
        Rate("contact_rate", "reached", "attempted"),
        Rate("right_party_rate", "right_party", "attempted"),
        Rate("promise_rate", "promised", "right_party"),
        Rate("kept_rate", "kept", "judged"),
        Rate("contact_rate_amount", "reached_minor", "attempted_minor"),
        Rate("right_party_rate_amount", "right_party_minor", "attempted_minor"),
        Rate("promise_rate_amount", "promised_minor", "right_party_minor"),
        Rate("kept_rate_amount", "kept_minor", "judged_minor"),
    ),
    day="requested_on",
    filters=("currency", "channel"),
)

# The window adds up every rule of the day before the rows without one are left out.
SUPPRESSION_DAILY: Final = View(
    "suppression_daily",
    "Contacts suppressed by the day they were requested, channel and rule.",
    (
        _REQUESTED_ON,
        CURRENCY,
        _CHANNEL,
        _RULE,
        Column("suppressed", "count", "contacts suppressed by the rule"),
        Column("suppressed_minor", "money", "arrears at the request of those suppressed by the rule"),
    ),
    """SELECT requested_on, currency, channel, rule, suppressed, suppressed_minor
FROM contact_daily WHERE suppressed > 0""",
)

CONTACT_SUPPRESSIONS: Final = Metric(
    "contact_suppressions",
    "Suppressed contacts by rule",
    "contacts suppressed by a rule / all contacts suppressed, of those requested on a day over a channel.",
    SUPPRESSION_DAILY,
    ("requested_on", "currency", "channel", "rule"),
    (
        Column("suppressed", "count", "contacts suppressed by the rule"),
        Column(
            "all_suppressed",
            "count",
            "contacts suppressed by any rule",
            "sum(sum(suppressed)) OVER (PARTITION BY requested_on, currency, channel)",
        ),
        Column("suppressed_minor", "money", "arrears at the request of those suppressed by the rule"),
        Column(
            "all_suppressed_minor",
            "money",
            "arrears at the request of all suppressed",
            "sum(sum(suppressed_minor)) OVER (PARTITION BY requested_on, currency, channel)",
        ),
    ),
    (
        Rate("share_accounts", "suppressed", "all_suppressed"),
        Rate("share_amount", "suppressed_minor", "all_suppressed_minor"),
    ),
    day="requested_on",
    filters=("currency", "channel"),
)

PROMISE_DAILY: Final = View(
    "promise_daily",
    "Promises made and judged a day.",
    (
        Column("day", "date", "date promised or judged"),
        CURRENCY,
        Column("made", "count", "promises made that day"),
        Column("kept", "count", "promises judged kept that day"),
        Column("broken", "count", "promises judged broken that day"),
        Column("made_minor", "money", "amount promised that day"),
        Column("judged_minor", "money", "amount promised of those judged that day"),
        Column("paid_minor", "money", "amount paid of it: never more than was promised"),
    ),
    """SELECT day, currency, sum(made)::bigint AS made, sum(kept)::bigint AS kept, sum(broken)::bigint AS broken,
       sum(made_minor)::bigint AS made_minor, sum(judged_minor)::bigint AS judged_minor,
       sum(paid_minor)::bigint AS paid_minor
FROM promise_count GROUP BY day, currency HAVING sum(made + kept + broken) > 0""",
)

PROMISES_KEPT: Final = Metric(
    "promises_kept",
    "Promises kept of each day",
    "kept / (kept + broken) of the promises judged that day; in money Σ min(paid, promised) / Σ promised of the same.",
    PROMISE_DAILY,
    ("day", "currency"),
    (
        *PROMISE_DAILY.columns[2:5],
        Column("judged", "count", "kept or broken", "sum(kept + broken)"),
        *PROMISE_DAILY.columns[5:],
    ),
    (Rate("rate_promises", "kept", "judged"), Rate("rate_amount", "paid_minor", "judged_minor")),
    day="day",
    filters=("currency",),
)
