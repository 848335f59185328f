"""An explanation in plain words, for people who read no JSON.

Apart from the explanation's data, which programs read: these are its sentences and nothing else.
"""

from collections.abc import Iterator

from services.ingest.domain.explanation import Classified, Excluded, Explanation, OldestOverdue, Weighed
from shared.vocabulary.money import decimal_text


def in_words(of: Explanation) -> str:
    """The explanation as a few short sentences."""
    return " ".join(_sentences(of))


def _sentences(of: Explanation) -> Iterator[str]:
    if of.state == "closed":
        yield f"On {of.as_of} the account is closed: it owes nothing and has no days."
    elif of.oldest is None:
        yield from _nothing_ages(of)
    else:
        yield f"On {of.as_of} the account is {_days(of.days)} past due, in bucket {of.bucket}."
        yield _about(of.oldest, of.currency)
        yield from _counting(of)
        others = of.overdue_obligations - 1
        more = f" in {of.overdue_obligations} overdue obligations" if others else ""
        yield f"Arrears are {_money(of.arrears_minor, of.currency)}{more}."
    if of.weighed:
        yield _weighing(of.weighed, of)
    if of.reaged:
        yield f"A re-age took out of arrears: {', '.join(of.reaged)}."
    for one in of.classifications:
        yield _classification(one)


def _nothing_ages(of: Explanation) -> Iterator[str]:
    if not of.arrears_minor:
        yield f"On {of.as_of} nothing is overdue: the account is in bucket {of.bucket}."
        return
    yield (
        f"On {of.as_of} {_money(of.arrears_minor, of.currency)} is overdue but ages nothing: "
        f"what is missing of {', '.join(of.within_tolerance)} is within the tolerance that counts as paid in full."
    )


def _about(oldest: OldestOverdue, currency: str) -> str:
    paid = [f"{_money(m.amount_minor, currency)} by {m.repayment_id} on {m.effective_on}" for m in oldest.met_by]
    repaid = f"repaid {', '.join(paid)}" if paid else "nothing of it is repaid"
    return (
        f"Its oldest overdue obligation is {oldest.id} ({oldest.kind}) of {_money(oldest.amount_minor, currency)}, "
        f"due on {oldest.due_on}: {repaid}; {_money(oldest.unpaid_minor, currency)} is unpaid."
    )


def _counting(of: Explanation) -> Iterator[str]:
    oldest = of.oldest
    if oldest is None:
        return
    how = "a day-end on the due date is overdue" if of.overdue == "due_day" else "overdue from the day after"
    if oldest.kind == "chargeback":
        how = "a chargeback is overdue from the day after"
    left_out = " and ".join(_reason(excluded) for excluded in of.excluded)
    so = f"; {left_out}, so {_days(of.days)} count" if left_out else ""
    yield f"It is {_days(of.late_days)} late ({how}){so}."


def _reason(excluded: Excluded) -> str:
    if excluded.reason == "paused":
        spans = ", ".join(f"from {first} until {until}" for first, until in excluded.spans)
        return f"{_days(excluded.days)} paused ({spans}) do not count"
    if excluded.reason == "grace":
        return f"{_days(excluded.days)} of grace do not count"
    return f"{_days(excluded.days)} without material arrears up to then do not count"


def _weighing(weighed: Weighed, of: Explanation) -> str:
    limits = f"{_money(weighed.absolute_minor, of.currency)} and {weighed.relative_bp / 100:g} % of the exposure of "
    limits += _money(of.exposure_minor, of.currency)
    if not weighed.passed:
        return f"That is not above both {limits}: it is not material."
    since = f" without a break since {weighed.since}" if weighed.since else ""
    return f"That is above both {limits}{since}: it is material."


def _classification(one: Classified) -> str:
    what = "consecutive days of material arrears" if one.counts == "consecutive_material_days" else "days past due"
    if one.to_days is None:
        bounds = f"{one.from_days} {what} or more"
    else:
        bounds = f"{one.from_days} to {one.to_days} {what}" if one.to_days else f"no {what}"
    said = f"{one.name} says {one.label}: {bounds}"
    if one.held == "until_arrears_are_paid":
        said += ", reached before and kept until all arrears are paid"
    elif one.held == "probation":
        ends = f", which ends on {one.leaves_on} if nothing happens" if one.leaves_on else ""
        said += f", reached before and kept through a probation{ends}"
    else:
        said += f"; there are {one.days}"
    return f"{said} ({one.citation})." if one.citation else f"{said}."


def _money(amount_minor: int, currency: str) -> str:
    return f"{decimal_text(amount_minor, currency)} {currency}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
