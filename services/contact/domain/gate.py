"""The gate: may this person be contacted now? Every rule is asked, and each must say yes.

The same function decides when a contact is planned (to know when it is due) and again at the moment of sending.
"""

from collections.abc import Sequence
from datetime import datetime

from services.contact.domain.known import best_endpoint
from services.contact.domain.rules import Case, Rule
from services.contact.domain.verdict import Conclusion, Decision, Says, Verdict

LOOKS_AHEAD_MAX = 64
"""Bound on the search for a time that suits all rules: each step moves to a later opening of one of them."""


def decide(case: Case, rules: Sequence[Rule], at: datetime) -> Decision:
    """Allowed only if every rule says yes; no rules at all is a no. Refusal outranks waiting.

    A time that comes only at or after the request's expiry is a refusal, by the rule that wanted to wait.
    """
    if not rules:
        return Decision(Conclusion.REFUSED, at, (), rule="gate", reason="no_rules")
    verdicts = tuple(judged(rule, case, at) for rule in rules)
    if refusal := _first(verdicts, Says.NO):
        return Decision(Conclusion.REFUSED, at, verdicts, refusal.rule, refusal.reason)
    if unknown := _first(verdicts, Says.AWAIT):
        return Decision(
            Conclusion.DEFERRED, at, verdicts, unknown.rule, unknown.reason,
            until=case.request.expires_at, awaiting=True,
        )  # fmt: skip
    if wait := _first(verdicts, Says.LATER):
        return _deferred(case, rules, at, verdicts, wait)
    endpoint = best_endpoint(case.customer, case.request.channel)
    if endpoint is None:
        return Decision(Conclusion.REFUSED, at, verdicts, rule="gate", reason="no_contact_point")
    return Decision(Conclusion.ALLOWED, at, verdicts, endpoint=endpoint)


def judged(rule: Rule, case: Case, at: datetime) -> Verdict:
    """The rule's verdict; a rule that errors says no, and the archive shows by what error."""
    try:
        return rule.judge(case, at)
    except Exception as error:  # fail closed: whatever went wrong, the answer is no, with its kind on record
        return Verdict(rule.id, Says.NO, "rule_error", {"error": type(error).__name__})


def _first(verdicts: Sequence[Verdict], says: Says) -> Verdict | None:
    return next((verdict for verdict in verdicts if verdict.says is says), None)


def _deferred(
    case: Case, rules: Sequence[Rule], at: datetime, verdicts: tuple[Verdict, ...], wait: Verdict
) -> Decision:
    until = _next_lawful(case, rules, _latest(verdicts, at))
    if until is None:
        return Decision(
            Conclusion.REFUSED, at, verdicts, wait.rule, f"{wait.reason}_until_expiry"
        )  # fmt: skip
    return Decision(Conclusion.DEFERRED, at, verdicts, wait.rule, wait.reason, until=until)


def _next_lawful(case: Case, rules: Sequence[Rule], at: datetime | None) -> datetime | None:
    """The first instant from `at` on when no rule wants to wait; None when the request expires before that."""
    for _ in range(LOOKS_AHEAD_MAX):
        if at is None or at >= case.request.expires_at:
            return None
        verdicts = [judged(rule, case, at) for rule in rules]
        if _first(verdicts, Says.NO):
            return None
        if not _first(verdicts, Says.LATER):
            return at
        at = _latest(verdicts, at)
    return None


def _latest(verdicts: Sequence[Verdict], at: datetime) -> datetime | None:
    """The latest wish of the waiting rules; None where one of them does not move time on."""
    wishes = [verdict.until for verdict in verdicts if verdict.says is Says.LATER]
    latest = max((wish for wish in wishes if wish is not None), default=None)
    return latest if latest is not None and latest > at else None
