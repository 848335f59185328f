"""Runs the checks: brings together what the simulation knows and what the services answered."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import orjson

from deploy.local.demo import checks
from deploy.local.demo.checks import Check
from deploy.local.demo.figures import Figures
from deploy.local.demo.mailroom import Message
from deploy.local.demo.recomputed import recomputed
from deploy.local.demo.wire_facts import TOPIC_OF_KIND
from deploy.local.demo.year import Year
from deploy.local.portfolio.calendar import MORNING
from deploy.local.portfolio.people import Customer

OptOuts = dict[tuple[str, str], datetime]
_WITHDRAWN: Final = b".ConsentWithdrawn.v1"


def all_checks(year: Year, figures: Figures) -> list[Check]:
    """Every check, in the order they are shown."""
    noise = year.lender.noise
    expected = recomputed(year.facts, noise.malformed, figures.scope.last)
    return [
        checks.reporting_equals_ledgers(figures),
        checks.ledgers_equal_facts(figures, expected),
        checks.nobody_contacted_twice(figures, year.mailroom.messages),
        checks.every_event_accounted_for(figures, TOPIC_OF_KIND, noise.repeated),
        checks.dead_letters_are_the_malformed(figures, noise.refused),
        checks.contacted_lawfully(_with_people(year), year.nightly, opt_outs(year)),
    ]


def opt_outs(year: Year) -> OptOuts:
    """Customer and channel -> since when they want nothing over it, by the facts and by what was said on calls."""
    out: OptOuts = {}
    for record in year.facts:
        if record.topic == "banking.customers" and _WITHDRAWN in record.value:
            data = orjson.loads(record.value)["data"]
            out.setdefault((data["customer_id"], data["channel"]), datetime.fromisoformat(data["effective_at"]))
    for call in year.collectors.calls:
        if call.said.opts_out:
            out.setdefault((call.customer_id, "sms"), datetime.combine(call.on, MORNING))
    return out


def _with_people(year: Year) -> Iterator[tuple[Message, Customer]]:
    return ((message, year.debtors.who(message)) for message in year.mailroom.messages)
