"""What the doors answer about one account's assessment, as JSON-able values.

Apart from the doors: the account's door, the stateless one and the command say the same in the same words.
"""

from datetime import date
from typing import Any

from services.ingest.domain.assessment import Assessment
from services.ingest.domain.explanation import Classified, Explanation, OldestOverdue, Weighed
from services.ingest.domain.policy import Rules
from services.ingest.domain.sentences import in_words
from shared.vocabulary.money import decimal_text


def assessed(now: Assessment, why: Explanation, rules: Rules) -> dict[str, Any]:
    """One assessment with its explanation."""
    return {
        **figures(now, why.currency),
        "next_transition_on": now.next_transition_on,
        "policy": rules.policy.name,
        "policy_version": rules.policy.version,
        "explanation": _explained(why),
    }


def figures(now: Assessment, currency: str) -> dict[str, Any]:
    """What an assessment came to, wherever it is shown."""
    return {
        "as_of": now.as_of,
        "days_past_due": now.days_past_due,
        "bucket": now.bucket,
        "arrears": _money(now.arrears_minor, currency),
        "exposure": _money(now.exposure_minor, currency),
        "oldest_due_on": now.oldest_due_on,
        "delinquent_since": now.delinquent_since,
        "classifications": dict(now.classifications),
    }


def _explained(why: Explanation) -> dict[str, Any]:
    """Why, as data and as a sentence."""
    return {
        "sentence": in_words(why),
        "state": why.state,
        "overdue_convention": why.overdue,
        "oldest_overdue": _oldest(why.oldest, why.currency) if why.oldest else None,
        "overdue_obligations": why.overdue_obligations,
        "days_late": why.late_days,
        "days_counted": why.days,
        "days_excluded": [
            {"reason": e.reason, "days": e.days, "spans": [_span(*span) for span in e.spans]} for e in why.excluded
        ],
        "within_tolerance": list(why.within_tolerance),
        "reaged": list(why.reaged),
        "materiality": _weighed(why.weighed, why.currency) if why.weighed else None,
        "classifications": [_classified(one) for one in why.classifications],
    }


def _money(amount_minor: int, currency: str) -> dict[str, str] | None:
    """Wire form of an amount; None where no fact has named a currency."""
    return {"amount": decimal_text(amount_minor, currency), "currency": currency} if currency else None


def _oldest(oldest: OldestOverdue, currency: str) -> dict[str, Any]:
    return {
        "id": oldest.id,
        "kind": oldest.kind,
        "amount": _money(oldest.amount_minor, currency),
        "paid": _money(oldest.paid_minor, currency),
        "unpaid": _money(oldest.unpaid_minor, currency),
        "issued_on": oldest.issued_on,
        "due_on": oldest.due_on,
        "overdue_from": oldest.overdue_from,
        "allocations": [
            {
                "repayment_id": met.repayment_id,
                "amount": _money(met.amount_minor, currency),
                "effective_on": met.effective_on,
            }
            for met in oldest.met_by
        ],
    }


def _span(first: date, until: date) -> dict[str, date]:
    return {"from_on": first, "until_on": until}


def _weighed(weighed: Weighed, currency: str) -> dict[str, Any]:
    return {
        "above": weighed.passed,
        "absolute": _money(weighed.absolute_minor, currency),
        "relative_bp": weighed.relative_bp,
        "relative": _money(weighed.share_minor, currency),
        "since": weighed.since,
    }


def _classified(one: Classified) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "label": one.label,
        "rule": {"counts": one.counts, "from": one.from_days, "to": one.to_days},
        "days": one.days,
        "since": one.since,
        "held": one.held,
        "leaves_on": one.leaves_on,
        "citation": one.citation,
    }
