"""The stateless calculator: facts, rules and dates in, assessments out, so that anyone can check a figure.

Apart from the account's door, which reads the facts from the database: here they come with the question, each may be
wrong by itself, and nothing is kept. Used by `POST /assessments` (`assess_api`) and by the command (`assess_command`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest import answers
from services.ingest.assess_facts import Given, Refused, read
from services.ingest.domain.assessment import assess
from services.ingest.domain.explanation import explain
from services.ingest.domain.facts import Fact, Opened
from services.ingest.domain.known import Known
from services.ingest.domain.policy import Rules
from services.ingest.named_once import each_name_once
from services.ingest.pack_documents import PackDocument, read_pack
from services.ingest.packs import Packs
from shared.contracts.fields import Date, Instant, Name
from shared.vocabulary.errors import Rejected

REQUEST_BYTES_MAX: Final = 2_097_152
FACTS_MAX: Final = 2_000
DATES_MAX: Final = 100
FACTS_ON_DATES_MAX: Final = 50_000
"""Facts times dates: a bound on the work of one question."""
CLASSIFICATIONS_MAX: Final = 20
COMPLAINTS_MAX: Final = 10

Pack = Name | dict[str, Any]
"""The name of a pack in force, or a whole pack."""


class Question(BaseModel):
    """What is asked: how the facts known at an instant are to be assessed by which packs on which dates.

    Without `policy` and `classifications` those that the account opened with hold; a policy pack that classifies too
    is then among them. A fact without `recorded_at` was always known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    policy: Pack | None = Field(default=None, description="a pack's name, or a whole pack")
    classifications: Annotated[list[Pack], Field(max_length=CLASSIFICATIONS_MAX)] | None = None
    facts: Annotated[list[Any], Field(max_length=FACTS_MAX)] = Field(
        description="`{type, recorded_at?, data}` each, of one account; `data` as on the banking topics"
    )
    as_of: Annotated[list[Date], Field(min_length=1, max_length=DATES_MAX)]
    known_at: Instant | None = None


def question(body: bytes) -> Question:
    """The question that this JSON asks; Rejected where it asks none."""
    if len(body) > REQUEST_BYTES_MAX:
        raise Rejected("request_too_large", f"at most {REQUEST_BYTES_MAX} bytes are read")
    try:
        asked = Question.model_validate_json(body)
    except ValidationError as error:
        complaints = [_complaint(e) for e in error.errors(include_url=False, include_context=False)[:COMPLAINTS_MAX]]
        raise Rejected("invalid_request", "; ".join(complaints)) from None
    each_name_once(body, "invalid_request")
    if len(asked.facts) * len(asked.as_of) > FACTS_ON_DATES_MAX:
        raise Rejected("request_too_large", f"facts times dates are at most {FACTS_ON_DATES_MAX}: ask again for less")
    return asked


def answer(asked: Question, packs: Packs) -> dict[str, Any]:
    """Assessments of each date in the order asked, and the facts that were refused; Rejected for unknown packs."""
    given, refused = read(asked.facts)
    chosen = _Chosen(asked, packs, given.opened, refused)
    known = Known(_effective(given, asked.known_at, chosen.rules))
    return {
        "assessments": [_assessed(known, chosen.rules, as_of) for as_of in asked.as_of],
        "rejected": [_shown(one) for one in refused],
    }


class _Chosen:
    """The rules a question asks for."""

    def __init__(self, asked: Question, packs: Packs, opened: Opened | None, refused: Sequence[Refused]) -> None:
        policy = asked.policy
        if policy is None and opened is not None:
            policy = opened.policy
        if policy is None:
            raise Rejected("invalid_request", _no_policy(refused))
        self._own: dict[str, PackDocument] = {}
        name = self._name(policy, "policy")
        if asked.classifications is None:
            named = self._with_its_own(name, opened.classifications if opened else (), packs)
        else:
            named = [self._name(one, f"classifications.{n}") for n, one in enumerate(asked.classifications)]
        if len(set(named)) < len(named):
            raise Rejected("invalid_request", "classifications: a pack is named twice")
        self.rules = packs.with_own(self._own.values()).rules(name, named)

    def _name(self, pack: str | dict[str, Any], place: str) -> str:
        if isinstance(pack, str):
            return pack
        try:
            own = read_pack(pack)
        except Rejected as refusal:
            raise Rejected(refusal.reason, f"{place}: {refusal.detail}") from None
        if self._own.setdefault(own.name, own) != own:
            raise Rejected("malformed_policy", f"{place}.name: another pack of this question has that name")
        return own.name

    def _with_its_own(self, policy: str, opened: Sequence[str], packs: Packs) -> list[str]:
        classifies = packs.with_own(self._own.values()).classifies(policy)
        return [*([policy] if classifies and policy not in opened else []), *opened]


def _no_policy(refused: Sequence[Refused]) -> str:
    """The opening may be among what was refused: then that is what to put right."""
    said = [f"; fact {one.index} was refused: {one.reason}: {one.detail}" for one in refused[:COMPLAINTS_MAX]]
    return "".join(["policy: is missing, and no AccountOpened names one", *said])


def _effective(given: Given, known_at: datetime | None, rules: Rules) -> list[Fact]:
    """The facts known by then. Before its opening is known an account owes nothing; without one it is as if open."""
    facts = [fact for fact, at in given.facts if known_at is None or at is None or at <= known_at]
    if given.opened is not None and given.opened not in facts:
        facts = []
    if any(isinstance(fact, Opened) for fact in facts):
        return facts
    return [Opened("", "", given.currency, rules.policy.name, (), date.min), *facts]


def _assessed(known: Known, rules: Rules, as_of: date) -> dict[str, Any]:
    return answers.assessed(assess(known, rules, as_of), explain(known, rules, as_of), rules)


def _shown(refused: Refused) -> dict[str, Any]:
    return {"index": refused.index, "reason": refused.reason, "detail": refused.detail}


def _complaint(error: Any) -> str:
    known = (str(part) for part in error["loc"] if isinstance(part, int) or part in Question.model_fields)
    said = {"missing": "is missing", "extra_forbidden": "no such field"}.get(error["type"], error["msg"])
    return ": ".join(part for part in (".".join(known), said) if part)
