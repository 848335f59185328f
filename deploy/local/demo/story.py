"""One customer's way through delinquency, told from what the services answer: to show why each thing was done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from deploy.local.demo.line import RefusedError
from deploy.local.demo.lines import Lines

CANDIDATES_MAX: Final = 60
DECISIONS_MIN: Final = 3
UNDONE: Final = {"reversed": ", returned later", "charged_back": ", charged back later"}


class Moment(NamedTuple):
    """One thing that happened; `when` is a date or an instant as text, `who` the service that knows it."""

    when: str
    who: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class Story:
    """The customer's last case, moment after moment."""

    customer_id: str
    account_ids: tuple[str, ...]
    moments: tuple[Moment, ...]


async def tell(lines: Lines, customer_ids: Iterable[str]) -> Story | None:
    """The first of these customers whose case was worked, promised on, paid and closed; else the first closed one."""
    second: dict[str, Any] | None = None
    for customer_id in list(dict.fromkeys(customer_ids))[:CANDIDATES_MAX]:
        try:
            case = await lines.strategy.get(f"/cases/{customer_id}")
        except RefusedError:
            continue
        if case["closed_because"] != "cured" or len(case["decisions"]) < DECISIONS_MIN:
            continue
        if any(promise["state"] == "kept" for promise in case["promises"]):
            return await _story(lines, case)
        second = second or case
    return None if second is None else await _story(lines, second)


async def _story(lines: Lines, case: dict[str, Any]) -> Story:
    contacts = (await lines.contact.get(f"/customers/{case['customer_id']}/contacts"))["contacts"]
    decided = {decision["contact_id"] for decision in case["decisions"]}
    moments = [*_of_case(case), *_of_contacts([one for one in contacts if one["contact_id"] in decided])]
    accounts = tuple(account["account_id"] for account in case["accounts"])
    for account_id in accounts:
        ledger = await lines.ingest.get(f"/accounts/{account_id}/ledger")
        moments += _of_ledger(account_id, ledger, case)
    return Story(case["customer_id"], accounts, tuple(sorted(moments)))


def _of_case(case: dict[str, Any]) -> Iterator[Moment]:
    yield Moment(case["opened_on"] + "T21:30", "strategy", "case opened", f"strategy {case['strategy']}")
    for one in case["decisions"]:
        inputs = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in one["inputs"].items() if value)
        yield Moment(
            one["decided_on"] + "T21:30", "strategy", f"{one['step']} by {one['channel']} decided",
            f"{one['rule']} Seen: {inputs}.",
        )  # fmt: skip
    for one in case["promises"]:
        amount = f"{one['amount']['amount']} {one['amount']['currency']}"
        yield Moment(one["promised_on"] + "T09:30", "contact", f"promised {amount} by {one['due_on']}")
        if one["judged_on"]:
            paid = f"{one['paid']['amount']} was paid by then"
            yield Moment(one["judged_on"] + "T21:30", "strategy", f"promise {one['state']}", paid)
    yield Moment(case["closed_on"] + "T21:31", "strategy", "case closed", case["closed_because"])


def _of_contacts(contacts: list[dict[str, Any]]) -> Iterator[Moment]:
    for one in contacts:
        for attempt in one["attempts"]:
            at = datetime.fromisoformat(attempt["at"])
            outcome = attempt["outcome"] or attempt["state"]
            yield Moment(f"{at:%Y-%m-%dT%H:%M}", "contact", f"{one['channel']}: {outcome}")
        if not one["attempts"]:
            yield Moment(one["requested_at"][:16], "contact", f"{one['channel']} {one['state']}", one["reason"] or "")


def _of_ledger(account_id: str, ledger: dict[str, Any], case: dict[str, Any]) -> Iterator[Moment]:
    """Bills that fell due unpaid and money that came, around the time of the case."""
    first, last = case["opened_on"][:8] + "01", case["closed_on"]
    currency = ledger["currency"]
    for one in ledger["repayments"]:
        if first <= one["effective_on"] <= last:
            what = f"{one['amount']} {currency} repaid on {account_id}{UNDONE.get(one['state'], '')}"
            yield Moment(one["effective_on"] + "T12:00", "ingest", what)
