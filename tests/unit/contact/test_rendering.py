"""Message texts: the best language there is, today's amounts, whole messages or none, and no way out of the sandbox."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.contact.domain.known import Balance
from services.contact.domain.request import OwedAccount
from services.contact.messages import Composer
from services.contact.rendering import SHIPPED, Rendered, Templates, Unrenderable
from tests.unit.contact.cases import CUSTOMER, REQUEST

VALUES = {"lender": "Bank", "name": "Ada", "arrears": "120.50 EUR", "days_past_due": 12, "accounts": 1}


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.txt")), ids=lambda path: path.name)
def test_every_shipped_template_renders_whole(path: Path) -> None:
    template, channel, language, _ = path.name.split(".")
    rendered = Templates(SHIPPED).render(template, channel, language, VALUES)
    assert "Ada" in rendered.body
    assert "120.50 EUR" in rendered.subject + rendered.body
    assert "{" not in rendered.body
    assert bool(rendered.subject) is (channel == "email")


def test_every_message_says_how_to_opt_out() -> None:
    for path in SHIPPED.glob("*.txt"):
        text = path.read_text()
        assert "STOP" in text or "BAJA" in text, path.name


@pytest.mark.parametrize(
    ("language", "starts"), [("de", "Bank: Guten Tag"), ("de-AT", "Bank: Guten Tag"), ("DE", "Bank: Guten Tag"),
                             ("fr", "Bank: Hello"), ("", "Bank: Hello")],
)  # fmt: skip
def test_the_best_language_there_is(language: str, starts: str) -> None:
    assert Templates(SHIPPED).render("reminder", "sms", language, VALUES).body.startswith(starts)


def rendered(tmp_path: Path, text: str, channel: str = "sms") -> Rendered:
    (tmp_path / f"t.{channel}.en.txt").write_text(text)
    return Templates(tmp_path).render("t", channel, "en", VALUES)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ nmae }}", "template_error"),
        ("{{ name", "template_error"),
        ("{{ days_past_due / 0 }}", "template_error"),
        ("{{ name.__class__.__mro__ }}", "template_error"),
        ("{{ ''.__class__.__base__.__subclasses__() }}", "template_error"),
        ("{% include 'missing.txt' %}", "template_error"),
        ("   ", "message_length"),
        ("x" * 1_601, "message_length"),
    ],
)
def test_never_half_a_message(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Unrenderable) as caught:
        rendered(tmp_path, text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text", ["No subject\n\nText", "Subject: Only a subject", "Subject: \n\nText", "Subject: a\nb\n\nText"]
)
def test_an_email_has_subject_and_text(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unrenderable, match="email_without_subject_or_text"):
        rendered(tmp_path, text, "email")


def test_a_template_cannot_be_named_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.sms.en.txt").write_text("secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    with pytest.raises(Unrenderable, match="template_missing"):
        Templates(folder).render("../secret", "sms", "en", VALUES)


def test_the_amounts_are_those_of_the_request_s_accounts_now() -> None:
    customer = replace(
        CUSTOMER,
        balances={
            "a-1": Balance(1, 100, "EUR"), "a-2": Balance(1, 250, "EUR"), "a-3": Balance(1, 500, "JPY"),
            "a-4": Balance(1, 0, "USD"), "a-5": Balance(1, 999, "EUR"),
        },
    )  # fmt: skip
    asked = replace(REQUEST, accounts=tuple(OwedAccount(f"a-{n}") for n in range(1, 5)))
    body = Composer(Templates(SHIPPED), "Bank").compose(asked, customer).body
    assert "3.50 EUR + 500 JPY" in body
