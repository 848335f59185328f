"""Delivery receipts: any order, any number of times, before the answer to the sending, and many at once."""

import asyncio
import itertools

import pytest

from services.contact import reports, worker
from services.contact.channels.port import Went
from services.contact.channels.sms import signature, status_of
from services.contact.domain.attempt import State
from services.contact.identity import message_attempt_id
from services.contact.providers import ReceiptReader
from services.contact.reports import Report
from services.contact.store import contacts
from services.contact.together import Together
from shared.contracts import collections
from shared.contracts.fields import Amount
from shared.vocabulary.errors import Rejected
from tests.integration.contact.lab import Lab, customer, request, status
from tests.integration.contact.sending import TOKEN, send_all

SID = f"fake-{TOKEN}"


def receipt(status: str, token: str = TOKEN) -> Report:
    return reports.report_of(token, status_of(status, f"fake-{token}", "30003" if status == "undelivered" else None))


def together(lab: Lab) -> Together[Report, State]:
    return Together(lab.commands, reports.receive)


async def sent(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "delivered", "queued"])))
async def test_the_order_of_receipts_does_not_matter(lab: Lab, order: tuple[str, ...]) -> None:
    await sent(lab)
    for one in order:
        await together(lab).run(receipt(one))
    assert await lab.states() == {"k-1": "delivered"}
    assert await lab.names() == ["ContactAttempted", "ContactDelivered"]


async def test_an_undelivered_message_is_a_failure(lab: Lab) -> None:
    await sent(lab)
    await together(lab).run(receipt("undelivered"))
    assert await lab.states() == {"k-1": "failed"}
    assert (await lab.emitted())[-1][1]["reason"] == "provider_30003"


async def test_a_receipt_may_overtake_the_answer_to_the_sending(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    async with worker.registered(lab.engine) as registered, lab.engine.connect() as connection:
        dispatcher = lab.dispatcher()
        due = await contacts.due(connection, ["sms"], lab.clock.now(), 10)
        async with lab.commands.transaction() as tx:
            outgoing, _ = await lab.claims.claim(tx, registered.number, due, 10)
        handed = await dispatcher.hand_over(outgoing)
        await together(lab).run(receipt("delivered"))
        await dispatcher.record(outgoing, handed)
    assert await lab.states() == {"k-1": "delivered"}
    assert await lab.names() == ["ContactAttempted", "ContactDelivered"]


async def test_a_receipt_settles_an_unknown_attempt(lab: Lab) -> None:
    lab.sms.goes = [Went.UNKNOWN]
    await sent(lab)
    assert await together(lab).run(receipt("delivered")) is State.DELIVERED
    assert await lab.names() == ["ContactAttempted", "ContactDelivered"]


async def test_a_receipt_of_another_message_is_refused(lab: Lab) -> None:
    await sent(lab)
    for strange in (Report(TOKEN, State.DELIVERED, True, "another-sid"), receipt("delivered", "no-such-attempt")):
        with pytest.raises(Rejected, match="attempt_not_found"):
            await together(lab).run(strange)
    assert await lab.states() == {"k-1": "sent"}


async def test_receipts_that_come_together_share_a_transaction(lab: Lab) -> None:
    for n in range(30):
        account = collections.AccountOwed(
            account_id=f"a-{n}", arrears=Amount(500, "EUR"), days_past_due=5, bucket="1-29"
        )
        await lab.tell(customer(f"c-{n}"), status(f"a-{n}", f"c-{n}"), request(f"k-{n}", f"c-{n}", accounts=(account,)))
    await send_all(lab)
    receipts = together(lab)
    tokens = [message_attempt_id(f"k-{n}") for n in range(30)]
    forged = Report(tokens[0], State.FAILED, True, "another-sid")
    answers = await asyncio.gather(
        *(receipts.run(receipt("delivered", token)) for token in tokens), receipts.run(forged), return_exceptions=True
    )
    assert answers[:30] == [State.DELIVERED] * 30
    assert receipts.transactions == 1
    assert set((await lab.states()).values()) == {"delivered"}


async def test_receipts_that_come_turn_by_turn_share_a_transaction_too(lab: Lab) -> None:
    """As from many connections of one sender: each brings its receipt a little after the one before."""
    await sent(lab)
    receipts = together(lab)

    async def post(turns: int) -> State:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await receipts.run(receipt("delivered"))

    assert set(await asyncio.gather(*(post(n) for n in range(20)))) == {State.DELIVERED}
    assert receipts.transactions == 1


URL = "https://lender.example/providers/sms/status"
FORM = [("MessageSid", SID), ("MessageStatus", "delivered")]


def test_a_signed_receipt_is_taken() -> None:
    reader = ReceiptReader(URL, "secret", signature_required=True)
    query = f"attempt={TOKEN}"
    found = reader.report(query, FORM, signature(f"{URL}?{query}", FORM, "secret"))
    assert found == Report(TOKEN, State.DELIVERED, handed_over=True, provider_id=SID)


@pytest.mark.parametrize("signed", [None, "", "AAAA", signature(URL, FORM, "secret")])
def test_an_unsigned_or_forged_receipt_is_refused(signed: str | None) -> None:
    with pytest.raises(Rejected, match="forbidden"):
        ReceiptReader(URL, "secret", signature_required=True).report(f"attempt={TOKEN}", FORM, signed)


def test_locally_a_receipt_may_be_unsigned_but_not_wrongly_signed() -> None:
    reader = ReceiptReader(URL, "secret", signature_required=False)
    assert reader.report(f"attempt={TOKEN}", FORM, None) is not None
    with pytest.raises(Rejected, match="forged"):
        reader.report(f"attempt={TOKEN}", FORM, "AAAA")


def test_the_signature_is_twilio_s() -> None:
    """The example of Twilio's documentation of webhook security."""
    form = [
        ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"), ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(url, form, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_receipt_without_its_fields_is_refused() -> None:
    reader = ReceiptReader(URL, "secret", signature_required=False)
    for query, form in (("", FORM), (f"attempt={TOKEN}", FORM[:1])):
        with pytest.raises(Rejected, match="malformed_receipt"):
            reader.report(query, form, None)


def test_a_status_of_no_meaning_to_us_changes_nothing() -> None:
    reader = ReceiptReader(URL, "secret", signature_required=False)
    assert reader.report(f"attempt={TOKEN}", [("MessageSid", SID), ("MessageStatus", "gossiped")], None) is None
