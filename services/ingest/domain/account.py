"""What each fact and each day makes of an account: the incremental counterpart of `assessment`.

The same figures, at the cost of the open obligations instead of all facts. Facts arrive claimed, so none comes twice;
they may come in any order.

The contract with the caller:

- `Account.new(account_id, rules_of)` and `Account.unpack(account_id, packed, rules_of)`; `rules_of(policy name,
  classification names)` finds the rules when the account opens, and may raise Rejected.
- `as_of` only grows: to each day closed (`age`, which the caller runs first, one day after the other), and to the
  effective date of each fact that is not post-dated against the day it was recorded. A bill does not move it. Every
  change carries the assessment of its own `as_of`.
- `apply` and `age` raise HistoryNeeded when they need the account's facts. Call again from the packed account with
  `history`: all facts that arrived before, in order. `age` needs it only where `Account.post_dated` says so.
- A post-dated repayment is told when it arrives, applied to no arrears; when its date comes, that is ageing.
- `reassess` makes an account anew from its facts, when its rules have another version or its ledger is in doubt. It
  comes before the next fact or day: a ledger is never carried on under rules it was not made by.
- Facts that waited for the account to open are told with the cause of the opening, each in its turn.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from services.ingest.domain.assessment import Assessment, next_transition
from services.ingest.domain.changes import REASONS, RepaymentEffect, StatusChange, Told, changes
from services.ingest.domain.current import assessed, carry, rest
from services.ingest.domain.effects import money_told
from services.ingest.domain.facts import Adjusted, Balance, Billed, ChargedBack, Closed, Fact, Opened, Reaged, Repaid
from services.ingest.domain.figures import spell_until
from services.ingest.domain.kept import Account, RulesOf
from services.ingest.domain.known import ONE_DAY, Known
from services.ingest.domain.ledger import HistoryNeeded
from services.ingest.domain.policy import Rules
from services.ingest.domain.posting import Posting
from services.ingest.domain.rebuild import rebuilt
from services.ingest.domain.spells import NO_SPELL
from services.ingest.domain.walk import Walk

__all__ = [
    "Account", "HistoryNeeded", "RulesOf", "StatusChange", "age", "apply", "reassess", "regoverned", "remade",
    "same_ledger", "unmoved",
]  # fmt: skip

History = Sequence[tuple[Fact, date]]
"""Facts in order of arrival, each with the day it was recorded."""
AGEING: Final = "ageing"


def apply(
    account: Account, fact: Fact, recorded_on: date, cause: str, history: History | None = None
) -> list[StatusChange]:
    """Folds one fact in; what is to be published, in order. HistoryNeeded: see above."""
    rules = account.rules
    if rules is None:
        return _waited_or_opened(account, fact, recorded_on, cause, history)
    as_of = account.as_of
    if type(fact) is not Billed and as_of < fact.effective_on <= recorded_on:
        as_of = fact.effective_on
    try:
        money = _posted(account, rules, fact, as_of)
        return _published(account, rules, cause, REASONS[type(fact)], money=money)
    except HistoryNeeded:
        if history is None:
            raise
    facts = [past for past, _ in history]
    told = money_told(facts, fact, rules.policy, as_of)
    known = _rebuild(account, rules, [*facts, fact], as_of)
    return _published(account, rules, cause, REASONS[type(fact)], money=told, known=known)


def age(account: Account, day: date, cause: str, history: History | None = None) -> list[StatusChange]:
    """Moves the account to the end of that day, with no new fact; what is to be published.

    HistoryNeeded only for an account with post-dated facts, when one of them begins to count or a figure changes.
    """
    rules, now, came_from = account.rules, account.assessment, account.as_of
    if day <= came_from:
        return []
    if rules is None or now is None:
        account.as_of = day
        return []
    due_on, pending_on = now.next_transition_on, account.ledger.pending_on
    changing = due_on is not None and due_on <= day
    if pending_on is not None and (changing or pending_on <= day.toordinal()):
        return _aged_from(account, rules, day, cause, history)
    carry(account, rules, day)
    if changing:
        return _published(account, rules, cause, AGEING)
    rest(account, rules)
    return []


def reassess(account: Account, day: date, cause: str, reason: str, history: History) -> list[StatusChange]:
    """Makes the account anew from its facts as of that day or its own later one; what differs is to be published."""
    facts = [fact for fact, _ in history]
    opened = next((fact for fact in facts if isinstance(fact, Opened)), None)
    if opened is None:
        return []
    rules = _name(account, opened)
    known = _rebuild(account, rules, facts, max(account.as_of, day))
    return _published(account, rules, cause, reason, known=known)


def remade(account_id: str, facts: Sequence[Fact], rules_of: RulesOf, as_of: date) -> Account:
    """The account that these facts come to on that day, from nothing; to be compared with what is kept."""
    account = Account.new(account_id, rules_of)
    account.as_of = as_of
    opened = next((fact for fact in facts if isinstance(fact, Opened)), None)
    if opened is None:
        account.waiting = len(facts)
        return account
    rules = _name(account, opened)
    _published(account, rules, "", "", known=_rebuild(account, rules, facts, as_of))
    return account


def _waited_or_opened(
    account: Account, fact: Fact, recorded_on: date, cause: str, history: History | None
) -> list[StatusChange]:
    if not isinstance(fact, Opened):
        account.waiting += 1
        return []
    if account.waiting and history is None:
        raise HistoryNeeded
    told = _opened(account, fact, recorded_on, cause)
    seen: list[tuple[Fact, date]] = [(fact, recorded_on)]
    for waited, on in history or ():
        told += apply(account, waited, on, cause, seen)
        seen.append((waited, on))
    # All have one instant: what stands at it says what all of them say, on the day that they brought the account to.
    if told and account.assessment is not None:
        told[-1] = told[-1]._replace(assessment=account.assessment)
    return told


def _opened(account: Account, fact: Opened, recorded_on: date, cause: str) -> list[StatusChange]:
    rules = _name(account, fact)
    account.as_of = max(account.as_of, min(fact.opened_on, recorded_on))
    account.waiting = 0
    account.ledger.exposure_minor = fact.principal_minor or 0
    bucket = rules.policy.buckets.name_of(0)
    account.assessment = Assessment(account.as_of, 0, bucket, False, None, 0, 0, None, (), "open", None)
    return _published(account, rules, cause, REASONS[Opened])


def _name(account: Account, opened: Opened) -> Rules:
    """Says whose account it is and by what it is assessed."""
    account.rules = rules = account.rules_of(opened.policy, opened.classifications)
    account.customer_id, account.product, account.currency = opened.customer_id, opened.product, opened.currency
    account.policy, account.classifications = opened.policy, opened.classifications
    return rules


def _posted(account: Account, rules: Rules, fact: Fact, as_of: date) -> list[Told]:
    """Changes the ledger by what is kept alone; what is to be told of money."""
    ledger, policy = account.ledger, rules.policy
    if as_of > account.as_of:
        carry(account, rules, as_of)
    day = as_of.toordinal()
    posting = Posting(ledger, policy, day, account.eve is NO_SPELL, rules.weighs_exposure)
    if type(fact) is not Repaid:
        posting.post(fact)
        return []
    before = ledger.sight(policy, day).arrears_minor
    posting.post(fact)
    applied = before - ledger.sight(policy, day).arrears_minor if before else 0
    return [Told(RepaymentEffect(fact.repayment_id, fact.amount_minor, applied, fact.effective_on), REASONS[Repaid])]


def _rebuild(account: Account, rules: Rules, facts: Sequence[Fact], as_of: date) -> Known:
    """Makes the account's ledger and the eve's spell anew."""
    known, eve = Known(facts), as_of - ONE_DAY
    walk = Walk(known, rules.policy)
    walk.to(eve)
    # None after a day without arrears, unless a probation may run.
    begun = rules.tracked or walk.arrears(eve).minor
    account.eve = spell_until(known, rules, eve) if begun else NO_SPELL
    account.ledger, account.as_of = rebuilt(known, walk, as_of), as_of
    return known


def regoverned(account: Account, before: Rules, day: date, cause: str, reason: str) -> list[StatusChange]:
    """What `reassess` says, without the account's facts, where they cannot matter; HistoryNeeded elsewhere.

    They do not where both rules make the same ledger of them, none is post-dated, and nothing was in arrears on the eve
    of a day on which none of them counts.
    """
    rules, ledger = account.rules, account.ledger
    if rules is None or day <= account.as_of or account.post_dated:
        raise HistoryNeeded
    if not same_ledger(before, rules) or ledger.sight(rules.policy, day.toordinal() - 1).arrears_minor:
        raise HistoryNeeded
    account.eve, account.as_of = NO_SPELL, day
    return _published(account, rules, cause, reason)


def same_ledger(before: Rules, rules: Rules) -> bool:
    """Whether both make the same ledger of any facts, and only days past due say what else there is to say."""
    same_money = (before.policy.surplus, before.policy.overdue) == (rules.policy.surplus, rules.policy.overdue)
    return same_money and not rules.tracked


def unmoved(account: Account, before: Rules, day: date) -> bool:
    """Whether the account's rules say of it, as of that later day, what `before` said: nothing is to be told or kept.

    So it is where nothing is in arrears and nothing has a name of its own at no days past due: such an account is as a
    quiet day leaves it.
    """
    rules, now = account.rules, account.assessment
    if rules is None or now is None or now.arrears_minor or account.spell is not NO_SPELL:
        return False
    if day <= account.as_of or account.post_dated or not same_ledger(before, rules):
        return False
    stays = now.next_transition_on is None or now.next_transition_on > day
    return stays and rules.names(0, 0) == (now.bucket, now.classifications)


def _aged_from(account: Account, rules: Rules, day: date, cause: str, history: History | None) -> list[StatusChange]:
    if history is None:
        raise HistoryNeeded
    facts, came_from = [past for past, _ in history], account.as_of
    known = _rebuild(account, rules, facts, day)
    return _published(account, rules, cause, AGEING, through=_begun(facts, came_from, day), known=known)


def _begun(facts: Sequence[Fact], after: date, until: date) -> str:
    """What ended a delinquency on its date, of the post-dated facts that have begun to count."""
    begun = {type(fact) for fact in facts if after < fact.effective_on <= until}
    ends = (kind for kind in (Closed, Repaid, Reaged, Adjusted, Balance, ChargedBack) if kind in begun)
    return REASONS.get(next(ends, type(None)), AGEING)


def _published(
    account: Account,
    rules: Rules,
    cause: str,
    reason: str,
    through: str | None = None,
    money: Sequence[Told] = (),
    known: Known | None = None,
) -> list[StatusChange]:
    """Assesses the account and tells how that differs from the last time."""
    last, now = account.assessment, assessed(account, rules)
    if known is not None and account.post_dated:
        now = now._replace(next_transition_on=next_transition(known, rules, account.as_of))
    account.assessment = now
    told = changes(account.version, last or now, now, cause, reason, through or reason, money)
    account.version += len(told)
    return told
