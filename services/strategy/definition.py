"""Strategies as people write them: what a file may say, and what its parts must have to do with each other.

Apart from the domain, which knows strategies only as checked values; the models here are also the JSON Schema.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.strategy.domain import strategy as domain
from shared.contracts.collections import Channel
from shared.contracts.fields import Name
from shared.vocabulary.errors import Rejected
from shared.vocabulary.money import minor_units

Days = Annotated[int, Field(ge=0, le=3650)]


class Document(BaseModel):
    """Base of all parts: an unknown word is an error, since it would be a rule that silently does nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DayRange(Document):
    """From so many days to so many, both included."""

    from_: Days = Field(default=0, alias="from")
    to: Days | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and self.to < self.from_:
            raise ValueError("`to` is before `from`")
        return self


class AfterStep(Document):
    """So many days after another step was last taken."""

    step: Name
    days: Days = 0


class OutcomeOfStep(Document):
    """The last contact of a step came to one of these."""

    step: Name
    among: Annotated[tuple[Name, ...], Field(min_length=1)]


def _amounts(written: dict[str, int | str]) -> dict[str, int | str]:
    if not isinstance(written.get("default", 0), int):
        raise ValueError("default: expected whole units, since the currency is open")
    try:
        _floor(written)
    except Rejected as refusal:
        raise ValueError(refusal.detail) from None
    return written


def _floor(written: Mapping[str, int | str]) -> domain.Floor:
    named = {code: minor_units(str(amount), code) for code, amount in written.items() if code != "default"}
    return domain.Floor(int(written.get("default", 0)), named)


Floor = Annotated[dict[str, Annotated[int, Field(ge=0)] | str], AfterValidator(_amounts)]
"""Least arrears: an amount a currency, and under `default` whole units of every other one."""


class When(Document):
    """What must hold, all of it."""

    days_past_due: DayRange = DayRange()
    buckets: tuple[str, ...] = ()
    products: tuple[Name, ...] = ()
    arrears_at_least: Floor | None = None
    after: tuple[AfterStep, ...] = ()
    unless_done: tuple[Name, ...] = ()
    days_since_step: Days = 0
    days_since_contact: Days = 0
    outcome: OutcomeOfStep | None = None
    broken_promises_at_least: Annotated[int, Field(ge=0)] = 0

    def steps_named(self) -> set[str]:
        """Other steps the conditions speak of."""
        named = {after.step for after in self.after} | set(self.unless_done)
        return named | ({self.outcome.step} if self.outcome else set())

    def conditions(self) -> domain.Conditions:
        """The domain's value."""
        outcome = self.outcome
        return domain.Conditions(
            days_past_due_from=self.days_past_due.from_,
            days_past_due_to=self.days_past_due.to,
            buckets=frozenset(self.buckets),
            products=frozenset(self.products),
            arrears_at_least=None if self.arrears_at_least is None else _floor(self.arrears_at_least),
            after=tuple(domain.After(after.step, after.days) for after in self.after),
            unless_done=frozenset(self.unless_done),
            days_since_step=self.days_since_step,
            days_since_contact=self.days_since_contact,
            earlier_outcome=domain.EarlierOutcome(outcome.step, frozenset(outcome.among)) if outcome else None,
            broken_promises_at_least=self.broken_promises_at_least,
        )


class Do(Document):
    """The contact to ask for."""

    channel: Channel
    template: Name
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    expires_after_days: Annotated[int, Field(ge=1, le=60)] = 4
    """Worthless at the end of so many days after the day of the decision (midnight, UTC)."""


class Repeat(Document):
    """How often a case takes the step, and the least days between two times."""

    times: Annotated[int, Field(ge=1, le=1000)] = 1
    every_days: Annotated[int, Field(ge=1, le=3650)] = 1


class StepDocument(Document):
    """One step."""

    name: Name
    rule: Annotated[str, Field(min_length=10, max_length=500)]
    when: When = When()
    do: Do
    repeat: Repeat = Repeat()

    def step(self) -> domain.Step:
        """The domain's value."""
        return domain.Step(
            name=self.name,
            rule=self.rule,
            when=self.when.conditions(),
            times=self.repeat.times,
            every_days=self.repeat.every_days,
            **self.do.model_dump(),
        )


class PromiseDocument(Document):
    """How promises are judged."""

    grace_days: Annotated[int, Field(ge=0, le=60)] = 2
    threshold_percent: Annotated[int, Field(ge=1, le=100)] = 90


class StrategyDocument(Document):
    """One strategy file."""

    name: Name
    version: Annotated[int, Field(ge=1)]
    decide: Literal["at_day_end", "on_change"] = "at_day_end"
    arrears_floor: Floor = {}
    days_between_contacts: Days = 0
    promise: PromiseDocument = PromiseDocument()
    steps: Annotated[tuple[StepDocument, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _steps_fit_together(self) -> Self:
        names = [step.name for step in self.steps]
        for position, step in enumerate(self.steps):
            if names.index(step.name) != position:
                raise ValueError(f"steps.{position}.name: {step.name} is the name of another step too")
            unknown = sorted(step.when.steps_named() - set(names))
            if unknown:
                raise ValueError(f"steps.{position}.when: there is no step {', '.join(unknown)}")
        return self

    def strategy(self) -> domain.Strategy:
        """The domain's value."""
        return domain.Strategy(
            name=self.name,
            version=self.version,
            decide=self.decide,
            steps=tuple(step.step() for step in self.steps),
            arrears_floor=_floor(self.arrears_floor),
            days_between_contacts=self.days_between_contacts,
            promise=domain.PromiseTerms(**self.promise.model_dump()),
        )


class AssignmentDocument(Document):
    """One line of the assignments."""

    strategy: Name
    products: tuple[Name, ...] = ()
