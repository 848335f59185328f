"""People at telephones: they take call tasks from contact's queue and report what was said."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from deploy.local.demo.debtors import Debtors, Said
from deploy.local.demo.line import Line
from shared.vocabulary.money import minor_units

COLLECTOR: Final = "collector-1"
TASKS_AT_ONCE: Final = 50
TELEPHONES: Final = 25
"""Calls reported at the same time: contact writes down together what comes together."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call made: to whom, and what came of it."""

    customer_id: str
    on: date
    said: Said


@dataclass
class Collectors:
    """One team. `calls` are all calls so far."""

    contact_url: str
    debtors: Debtors
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [Line(self.contact_url) for _ in range(TELEPHONES)]

    async def work(self, on: date) -> int:
        """Work the queue until it is empty; how many calls that took."""
        made, asked = 0, TASKS_AT_ONCE
        while asked == TASKS_AT_ONCE:
            tasks = await self._leased()
            forms = [self._called(task, on) for task in tasks]
            await asyncio.gather(*(self._report(n, tasks, forms) for n in range(TELEPHONES)))
            asked = len(tasks)
            made += asked
        return made

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.close()

    async def _leased(self) -> list[dict[str, Any]]:
        """The most urgent tasks; fewer than asked for when there are no more."""
        answer = await self._lines[0].post("/call-tasks/next", {"collector": COLLECTOR, "limit": TASKS_AT_ONCE})
        tasks: list[dict[str, Any]] = answer["tasks"]
        return tasks

    def _called(self, task: dict[str, Any], on: date) -> dict[str, Any]:
        """What to report of a call."""
        said = self.debtors.called(task["customer_id"], on)
        self.calls.append(Call(task["customer_id"], on, said))
        return self._form(task, said, on)

    async def _report(self, telephone: int, tasks: list[dict[str, Any]], forms: list[dict[str, Any]]) -> None:
        """One telephone's share of the reports, one after the other."""
        line = self._lines[telephone]
        for task, form in list(zip(tasks, forms, strict=True))[telephone::TELEPHONES]:
            await line.post(f"/call-tasks/{task['contact_id']}/outcome", form)

    def _form(self, task: dict[str, Any], said: Said, on: date) -> dict[str, Any]:
        form: dict[str, Any] = {"collector": COLLECTOR, "outcome": said.answer}
        owed = [one for one in task["arrears"] if minor_units(one["amount"], one["currency"]) > 0]
        if said.promise_in_days is not None and owed:
            form["promise"] = self._promise(task, owed[0], said.promise_in_days, on)
        if said.disputes:
            form["dispute"] = {"reason": "the amount is not what was agreed"}
        if said.complains:
            form["complaint"] = {"reason": "called at an inconvenient time"}
        if said.opts_out:
            form["opt_out"] = ["sms"]
        return form

    def _promise(self, task: dict[str, Any], amount: dict[str, str], in_days: int, on: date) -> dict[str, Any]:
        """All that is owed in that currency, so many days from now."""
        due_on = on + timedelta(days=in_days)
        owed = [
            (one["account_id"], minor_units(one["arrears"]["amount"], amount["currency"]))
            for one in task["accounts"]
            if one["arrears"]["currency"] == amount["currency"]
        ]
        self.debtors.promised(task["customer_id"], owed, on, due_on)
        return {"amount": amount, "due_on": due_on.isoformat()}
