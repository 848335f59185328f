"""What stops a message: learned after planning or known before, refused with a reason that is kept."""

from typing import Any

import pytest

from shared.contracts import banking, collections
from tests.integration.contact.lab import DAY, TUESDAY_NOON, Lab, customer, request, status
from tests.integration.contact.sending import send_all

STOPS: list[Any] = [
    (status(version=2, arrears="0.00"), "nothing_owed"),
    (collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="dispute"), "hold"),
    (banking.ConsentWithdrawn(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON), "opted_out_of_channel"),
    (
        banking.ConsentWithdrawn(
            customer_id="c-1", channel="sms", value="+49 151 0000 0001", effective_at=TUESDAY_NOON
        ),
        "opted_out_of_endpoint",
    ),
    (customer(revision=2, contact_points=()), "no_contact_point"),
    (customer(revision=2, time_zone=None), "no_zone_known"),
]


@pytest.mark.parametrize(("news", "reason"), STOPS)
async def test_what_is_learned_after_planning_still_stops(lab: Lab, news: Any, reason: str) -> None:
    await lab.tell(customer(), status(), request())
    assert await lab.states() == {"k-1": "planned"}
    await lab.tell(news)
    await send_all(lab)
    assert await lab.states() == {"k-1": "suppressed"}
    assert not lab.sms.received
    shown = await lab.show("k-1")
    assert [decision["conclusion"] for decision in shown["decisions"]] == ["allowed", "refused"]
    assert [decision["moment"] for decision in shown["decisions"]] == ["enqueue", "dispatch"]
    assert shown["decisions"][1]["reason"] == reason
    assert shown["attempts"] == []
    suppressed = [data for name, data in await lab.emitted() if name == "ContactSuppressed"]
    assert [data["detail"] for data in suppressed] == [reason]


@pytest.mark.parametrize(("news", "reason"), STOPS)
async def test_what_is_known_before_is_refused_when_planned(lab: Lab, news: Any, reason: str) -> None:
    await lab.tell(customer(), status())
    await lab.tell(news)
    await lab.tell(request())
    assert await lab.states() == {"k-1": "suppressed"}
    assert (await lab.show("k-1"))["decisions"][0]["reason"] == reason


async def test_old_news_changes_nothing(lab: Lab) -> None:
    await lab.tell(customer(revision=3), status(version=5))
    await lab.tell(customer(revision=2, contact_points=()), status(version=4, arrears="0.00"))
    released = collections.HoldReleased(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    placed = collections.HoldPlaced(case_id="case-1", customer_id="c-1", hold_id="h-1", kind="legal")
    await lab.tell(placed, released)
    await lab.tell(placed)
    given = banking.ConsentGiven(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON)
    await lab.tell(given)
    await lab.tell(banking.ConsentWithdrawn(customer_id="c-1", channel="sms", effective_at=TUESDAY_NOON - DAY))
    await lab.tell(request())
    await send_all(lab)
    assert await lab.states() == {"k-1": "sent"}
    changed = [data for name, data in await lab.emitted() if name == "ConsentChanged"]
    assert [data["consent"] for data in changed] == ["given"]


async def test_accounts_never_in_arrears_leave_no_trace(lab: Lab) -> None:
    await lab.tell(status("a-9", arrears="0.00"), status("a-8", arrears="1.00"))
    await lab.tell(status("a-8", version=2, arrears="0.00"))
    found = await lab.rows("SELECT account_id, version, arrears_minor FROM balance")
    assert found == [{"account_id": "a-8", "version": 2, "arrears_minor": 0}]


async def test_a_withdrawn_request_is_not_sent(lab: Lab) -> None:
    withdrawn = collections.ContactWithdrawn(case_id="case-1", customer_id="c-1", contact_id="k-1", reason="cured")
    await lab.tell(customer(), status(), request(), withdrawn)
    await send_all(lab)
    assert await lab.states() == {"k-1": "withdrawn"}
    assert not lab.sms.received
    [(name, data)] = await lab.emitted()
    assert (name, data["rule"], data["detail"]) == ("ContactSuppressed", "withdrawn", "cured")


async def test_a_withdrawal_after_sending_is_too_late(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    await lab.tell(collections.ContactWithdrawn(case_id="case-1", customer_id="c-1", contact_id="k-1", reason="cured"))
    assert await lab.states() == {"k-1": "sent"}
    assert await lab.names() == ["ContactAttempted"]


async def test_an_expired_request_is_not_sent(lab: Lab) -> None:
    await lab.tell(customer(), status(), request("k-1"), request("k-2", "c-2", channel="call"))
    lab.move_clock(TUESDAY_NOON + 5 * DAY)
    await send_all(lab)
    assert await lab.states() == {"k-1": "expired", "k-2": "expired"}
    assert await lab.names() == ["ContactSuppressed"] * 2


async def test_the_archive_cannot_be_changed(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    for statement in ("UPDATE gate_decision SET reason = 'x'", "DELETE FROM gate_decision", "TRUNCATE gate_decision"):
        with pytest.raises(Exception, match="append-only"):
            async with lab.engine.begin() as connection:
                await connection.exec_driver_sql(statement)


async def test_the_archive_holds_every_rule_s_inputs_and_nothing_personal(lab: Lab) -> None:
    await lab.tell(customer(), status(), request())
    await send_all(lab)
    [decision] = (await lab.show("k-1"))["decisions"][1:]
    assert decision["pack"] == "default@1"
    assert len(decision["pack_hash"]) == 64
    assert {verdict["rule"] for verdict in decision["verdicts"]} >= {
        "default.hours",
        "default.balance",
        "default.opt_out",
    }
    assert all(verdict["inputs"] for verdict in decision["verdicts"])
    assert "+49" not in str(decision)
    assert "Ada" not in str(decision)
