"""From an account's compact ledger to its assessment, and from one day to the next while no fact arrives.

Apart from `account`, which decides what arrives; nothing here looks at a fact.
"""

from datetime import date

from services.ingest.domain import eventful
from services.ingest.domain.assessment import Assessment
from services.ingest.domain.kept import Account
from services.ingest.domain.ledger import Sight
from services.ingest.domain.policy import Rules
from services.ingest.domain.spells import NO_SPELL, Spell


def assessed(account: Account, rules: Rules) -> Assessment:
    """The assessment of the account's `as_of`, from the ledger and the eve's spell; keeps that day's own spell."""
    ledger, day = account.ledger, account.as_of.toordinal()
    sight, state = ledger.sight(rules.policy, day), ledger.state(day)
    account.spell = spell = _spell_on(account, rules, sight, day, account.eve)
    next_on = _next_on(account, rules, sight, spell)
    if rules.eventful:
        days, (bucket, labels) = eventful.named(account, rules, sight, day)
    else:
        days, (bucket, labels) = sight.days, rules.names(sight.days, spell.worst_days)
    return Assessment(
        account.as_of,
        days,
        bucket,
        sight.days > 0 and _material(account, rules, sight),
        spell.since,
        sight.arrears_minor,
        0 if state == "closed" else ledger.exposure_minor,
        None if sight.oldest is None else date.fromordinal(sight.oldest.due_on),
        labels,
        state,
        None if next_on is None else date.fromordinal(next_on),
    )


def carry(account: Account, rules: Rules, day: date) -> None:
    """Moves `as_of` to a later day, with the spell of the day before; the account's assessment stays as it was."""
    account.eve = _eve(account, rules, day.toordinal() - 1)
    account.as_of = day


def rest(account: Account, rules: Rules) -> None:
    """Makes the spell that of `as_of`, a day on which nothing published changed."""
    if account.eve is not NO_SPELL or account.spell is not NO_SPELL or rules.eventful:
        day = account.as_of.toordinal()
        account.spell = _spell_on(account, rules, account.ledger.sight(rules.policy, day), day, account.eve)


def _eve(account: Account, rules: Rules, eve: int) -> Spell:
    """Goes over the days on which something changed by itself: in between, only days past due grow."""
    spell, now = account.spell, account.assessment
    if now is None or eve <= account.as_of.toordinal():
        return spell
    if rules.eventful:
        return eventful.carried(account, rules, eve)
    on = None if now.next_transition_on is None else now.next_transition_on.toordinal()
    while on is not None and on < eve:
        sight = account.ledger.sight(rules.policy, on)
        spell = _spell_on(account, rules, sight, on, spell)
        on = _next_on(account, rules, sight, spell)
    if spell is NO_SPELL and on != eve:
        return spell
    return _spell_on(account, rules, account.ledger.sight(rules.policy, eve), eve, spell)


def _spell_on(account: Account, rules: Rules, sight: Sight, day: int, before: Spell) -> Spell:
    """What a day adds to the spell before it. Without days past due and without a past there is none."""
    if rules.eventful:
        return eventful.spell_on(account, rules, sight, day, before)
    if not sight.arrears_minor or (not sight.days and not before.worst_days):
        return NO_SPELL
    if not sight.days or not _material(account, rules, sight):
        return Spell(None, max(before.worst_days, sight.days))
    return Spell(before.since or date.fromordinal(day), max(before.worst_days, sight.days))


def _material(account: Account, rules: Rules, sight: Sight) -> bool:
    return rules.policy.material(sight.arrears_minor, account.ledger.exposure_minor, account.currency)


def _next_on(account: Account, rules: Rules, sight: Sight, spell: Spell) -> int | None:
    """The sooner of the next due date and the next number of days that has another name."""
    if rules.eventful:
        return eventful.next_on(account, rules, sight, spell, account.as_of.toordinal())
    if sight.oldest is None:
        return sight.falls_due_on
    bound = rules.next_bound(sight.days, spell.worst_days, _material(account, rules, sight))
    if bound is None:
        return sight.falls_due_on
    reached = account.ledger.pauses.reaches_on(sight.oldest, bound + rules.policy.grace_days)
    if reached is None or sight.falls_due_on is None:
        return sight.falls_due_on if reached is None else reached
    return min(reached, sight.falls_due_on)
