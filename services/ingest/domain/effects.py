"""What a repayment, its reversal or its chargeback did to arrears, from all facts: the difference each one makes.

Apart because a repayment may arrive after what undoes it: then each is told, in the order they would have come in.
"""

from collections.abc import Sequence
from datetime import date

from services.ingest.domain.changes import REASONS, RepaymentEffect, Told
from services.ingest.domain.facts import ChargedBack, Fact, Repaid, Reversed
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Policy
from services.ingest.domain.walk import Walk

_UNDOING = (Reversed, ChargedBack)


def money_told(history: Sequence[Fact], fact: Fact, policy: Policy, as_of: date) -> list[Told]:
    """One line for the fact, if it is about money that has arrived, and for each earlier one that waited for it.

    What is post-dated is told when it arrives, applied to no arrears yet. Amounts sum to what counts: money charged
    back and then reversed is not taken away twice.
    """
    if not isinstance(fact, (Repaid, *_UNDOING)):
        return []
    id_ = fact.repayment_id
    early = [f for f in history if isinstance(fact, Repaid) and isinstance(f, _UNDOING) and f.repayment_id == id_]
    facts = [f for f in history if f not in early]
    told, arrears = [], _arrears(facts, policy, as_of)
    for step in [fact, *early]:
        amount_minor = _amount(facts, step)
        facts.append(step)
        after = _arrears(facts, policy, as_of)
        if amount_minor is not None:
            effect = RepaymentEffect(id_, amount_minor, arrears - after, step.effective_on)
            told.append(Told(effect, REASONS[type(step)]))
        arrears = after
    return told


def _arrears(facts: Sequence[Fact], policy: Policy, as_of: date) -> int:
    known = Known(facts)
    if known.state(as_of) == "closed":
        return 0
    walk = Walk(known, policy)
    walk.to(as_of)
    return walk.arrears(as_of).minor


def _amount(facts: Sequence[Fact], step: Repaid | Reversed | ChargedBack) -> int | None:
    """Signed; None for what undoes a repayment nobody has heard of yet."""
    if isinstance(step, Repaid):
        return step.amount_minor
    known = Known(facts)
    repaid = known.of(Repaid).get(step.repayment_id)
    if repaid is None:
        return None
    undone = step.repayment_id in known.of(Reversed) or step.repayment_id in known.of(ChargedBack)
    return 0 if undone else -repaid.amount_minor
