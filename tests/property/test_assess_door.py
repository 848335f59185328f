"""Whatever is sent to `POST /assessments` and the command, the answer is an assessment or a named refusal."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.assess import answer, question
from services.ingest.packs import load
from shared.contracts.fields import ID_LENGTH_MAX
from shared.vocabulary.errors import Rejected
from tests.conformance.door import door
from tests.conformance.suite import read_cases
from tests.shared_data import shared_data

PACKS = load()
QUESTIONS = [dict(case.question) for case in read_cases()]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["2024-02-29", "0000-00-00", "9999-12-31", "1900-01-01", "2999-12-31"]),
    st.sampled_from(["EUR", "JPY", "in-rbi", "eu-default", "9999999999999.99", "-0.01", "\x00", "\ud800"]),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def bent_questions(draw: st.DrawFn) -> Any:
    """A case of the suite with a few values replaced by anything."""
    bent = json.loads(json.dumps(draw(st.sampled_from(QUESTIONS))))
    for _ in range(draw(st.integers(1, 3))):
        _bend(draw, bent)
    return bent


def _bend(draw: st.DrawFn, inside: Any) -> None:
    """Goes down to some place of a document and puts something else there."""
    while True:
        places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not places:
            return
        place = draw(st.sampled_from(places))
        if not isinstance(inside[place], (dict, list)) or draw(st.booleans()):
            inside[place] = draw(anything)
            return
        inside = inside[place]


def answered(body: bytes) -> Any:
    """The answer as the wire has it, or the refusal."""
    try:
        return orjson.loads(orjson.dumps(answer(question(body), PACKS)))
    except Rejected as refusal:
        said = refusal
    assert said.reason
    assert said.detail
    return None


@settings(max_examples=400, deadline=None)
@given(bent_questions())
def test_a_bent_question_is_answered_or_refused(bent: Any) -> None:
    found = answered(json.dumps(bent).encode())
    if found is not None:
        assert len(found["assessments"]) == len(bent["as_of"])
        assert all(one["explanation"]["sentence"] for one in found["assessments"])
        assert all(0 <= one["index"] < len(bent["facts"]) for one in found["rejected"])


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_json_is_answered_or_refused(value: Any) -> None:
    answered(json.dumps(value).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(body: bytes) -> None:
    answered(body)


async def test_no_hostile_document_breaks_the_door() -> None:
    folder = shared_data("hostile/test_parsing")
    async with door() as http:
        for path in sorted(folder.iterdir()):
            response = await http.post("/assessments", content=path.read_bytes())
            assert response.status_code == 422, path.name
            assert response.json()["title"] == "invalid_request"


async def test_no_naughty_string_breaks_the_door() -> None:
    strings = json.loads(shared_data("hostile/blns.json").read_text("utf-8"))
    facts = [
        {"type": "BillIssued", "data": {
            "bill_id": text, "kind": "instalment", "amount": {"amount": "1.00", "currency": "EUR"},
            "issued_on": "2024-01-01", "due_on": "2024-01-31",
        }} for text in strings
    ]  # fmt: skip
    asked = {"policy": "instalment", "facts": facts, "as_of": ["2024-02-01"]}
    async with door() as http:
        response = await http.post("/assessments", json=asked)
    assert response.status_code == 200
    held = {text for text in strings if 1 <= len(text) <= ID_LENGTH_MAX}
    assert len(held) > 500
    assert response.json()["assessments"][0]["arrears"]["amount"] == f"{len(held)}.00"


@pytest.mark.parametrize("size", [2_097_153, 5_000_000])
async def test_a_flood_is_cut_off(size: int) -> None:
    async with door() as http:
        response = await http.post("/assessments", content=b" " * size)
    assert (response.status_code, response.json()["title"]) == (413, "request_too_large")
