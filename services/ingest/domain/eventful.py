"""From one day to the next of an account whose days age alone does not tell: consecutive days, probations.

Apart from `current`, the quick way of all other accounts: here each change between two days is visited in its turn.
"""

from services.ingest.domain.kept import Account
from services.ingest.domain.ledger import Sight
from services.ingest.domain.policy import Labels, Rules
from services.ingest.domain.spells import Course, Spell, Stretch


def spell_on(account: Account, rules: Rules, sight: Sight, day: int, before: Spell) -> Spell:
    """The spell of one day; `before` is that of the day before it."""
    return _course(account, rules).after(before, _stretch(account, sight, day))


def named(account: Account, rules: Rules, sight: Sight, day: int) -> tuple[int, tuple[str, Labels]]:
    """Days past due, bucket and labels of the account's own day."""
    course, today = _course(account, rules), _stretch(account, sight, day)
    return course.days(today, account.spell.since), course.names(today, account.spell)


def next_on(account: Account, rules: Rules, sight: Sight, spell: Spell, day: int) -> int | None:
    """The sooner of the next due date and the next day that has another name."""
    today = _stretch(account, sight, day)
    changes_on = _course(account, rules).changes_on(today, spell, sight.falls_due_on)
    return sight.falls_due_on if changes_on is None else changes_on


def carried(account: Account, rules: Rules, eve: int) -> Spell:
    """The spell of a later day, no fact having arrived: over each day on which something fell due."""
    course, spell, at = _course(account, rules), account.spell, account.as_of.toordinal()
    sight = account.ledger.sight(rules.policy, at)
    while at < eve:
        until = min(eve + 1, sight.falls_due_on or eve + 1)
        if until - 1 > at:
            today = _stretch(account, sight, at)
            spell = course.after(spell, course.onward(today, until - 1))
        at = until
        if at <= eve:
            sight = account.ledger.sight(rules.policy, at)
            spell = course.after(spell, _stretch(account, sight, at))
    return spell


def _course(account: Account, rules: Rules) -> Course:
    return Course(rules, account.currency, account.ledger.pauses)


def _stretch(account: Account, sight: Sight, day: int) -> Stretch:
    ledger = account.ledger
    closed, reaged = ledger.state(day) == "closed", ledger.reaged_to == day
    return Stretch(day, day, sight.days, sight.oldest, sight.arrears_minor, ledger.exposure_minor, closed, reaged)
