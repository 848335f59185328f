"""People at telephones: they take call tasks from contact's queue and report what was said."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from deploy.local.demo.debtors import Debtors, Said
from deploy.local.demo.line import Line
from shared.vocabulary.money import minor_units

COLLECTOR: Final = "collector-1"
TASKS_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Call:
    """One call made: to whom, and what came of it."""

    customer_id: str
    on: date
    said: Said


@dataclass
class Collectors:
    """One team. `calls` are all calls so far."""

    contact: Line
    debtors: Debtors
    calls: list[Call] = field(default_factory=list)
    promises: Counter[str] = field(default_factory=Counter)

    async def work(self, on: date) -> int:
        """Work the queue until it is empty; how many calls that took."""
        made = 0
        while tasks := await self._leased():
            for task in tasks:
                await self._call(task, on)
            made += len(tasks)
        return made

    async def _leased(self) -> list[dict[str, Any]]:
        answer = await self.contact.post("/call-tasks/next", {"collector": COLLECTOR, "limit": TASKS_AT_ONCE})
        tasks: list[dict[str, Any]] = answer["tasks"]
        return tasks

    async def _call(self, task: dict[str, Any], on: date) -> None:
        said = self.debtors.called(task["customer_id"], on)
        form = self._form(task, said, on)
        await self.contact.post(f"/call-tasks/{task['contact_id']}/outcome", form)
        self.calls.append(Call(task["customer_id"], on, said))

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
        self.promises[amount["currency"]] += 1
        return {"amount": amount, "due_on": due_on.isoformat()}
