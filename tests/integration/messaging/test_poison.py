"""Records that cannot be taken: exactly they are dead-lettered, with a reason; the rest goes on, once."""

from sqlalchemy import text

from shared.messaging.stream import SEQ_HEADER, SOURCE_HEADER
from shared.messaging.transaction import partition_of
from tests.integration.messaging.published import day_closed, repayment
from tests.integration.messaging.rig import PARTITIONS, Rig
from tests.integration.messaging.tally import CALENDAR, TOPICS
from tests.waiting import until
from tests.wire import Wire, send


async def test_a_value_the_database_refuses_is_the_only_one_left_out(rig: Rig) -> None:
    running = rig.start()
    facts = [repayment(n, "poison" if n == 137 else "bank", account="one") for n in range(200)]
    await rig.publish(facts)
    await rig.assert_exact(199)
    letters = await rig.rows("SELECT topic, position, key, value, reason, detail FROM dead_letter")
    assert [(one.reason, one.value, one.key) for one in letters] == [("database_refused", facts[137][1], b"one")]
    assert "100000" not in letters[0].detail
    await running.stop()


async def test_records_that_cannot_be_read_are_told_on_the_dead_letter_topic(rig: Rig) -> None:
    running = rig.start()
    megabyte = b'{"specversion": "1.0", "id": "' + b"x" * 1_000_000 + b'"}'
    await rig.publish([("k", b"not json"), ("k", b"\xff\x00"), ("k", megabyte), repayment("fine")])
    await rig.assert_exact(1)
    letters = await rig.rows("SELECT reason, value FROM dead_letter ORDER BY id")
    assert [bytes(one.value) for one in letters] == [b"not json", b"\xff\x00", megabyte]
    told = [dict(r.headers) for r in await rig.raw("banking.repayments.dead-letter")]
    assert [one["arrears-reason"].decode() for one in told] == [one.reason for one in letters]
    assert told[2]["arrears-left-out"] == f"a value of {len(megabyte)} bytes".encode()
    await running.stop()


async def test_a_broadcast_record_that_cannot_be_read_is_kept_once(rig: Rig) -> None:
    running = rig.start()
    await rig.producer.send_and_wait(CALENDAR, b"not json", partition=0)
    await rig.producer.send_and_wait(CALENDAR, day_closed("2026-03-02"), partition=0)
    await until(lambda: _closed(rig), "the day after it to close in both shards")
    assert len(await rig.rows("SELECT id FROM dead_letter")) == 1
    await rig.quiet()
    assert len(await rig.raw(f"{CALENDAR}.dead-letter")) == 1
    await running.stop()


async def _closed(rig: Rig) -> bool:
    return len(await rig.rows("SELECT shard FROM closed")) == 2


async def test_headers_that_look_like_ours_on_core_bankings_topics_change_nothing(rig: Rig) -> None:
    running = rig.start()
    for n, source in enumerate((b"ingest.accounts.0", b"\x00\xff", b"x" * 100_000)):
        headers = [(SOURCE_HEADER, source), (SEQ_HEADER, b"7")]
        await rig.publish([repayment(n, account="one")], headers=headers)
    await rig.assert_exact(3)
    assert all(row.watermarks == {} for row in await rig.rows("SELECT watermarks FROM shard WHERE stream = 'tally'"))
    await running.stop()


async def test_foreign_source_headers_on_our_own_topic_cannot_stop_the_shard(rig: Rig) -> None:
    running = rig.start()
    junk = [(SOURCE_HEADER, b"\x00"), (SEQ_HEADER, b"9" * 40)]
    await rig.producer.send_and_wait("delinquency.status", b"junk", partition=0, headers=junk)
    await rig.publish([repayment(n) for n in range(20)])
    await rig.assert_exact(20)
    async with rig.engine.connect() as connection:
        reasons = (await connection.execute(text("SELECT stream, reason FROM dead_letter"))).all()
    assert [tuple(one) for one in reasons] == [("heard", "not_json")]
    await running.stop()


async def test_a_header_name_that_is_not_utf_8_costs_its_record_only(rig: Rig) -> None:
    running = rig.start()
    bad: Wire = (b"k", b"{}", [(b"\xff\xfename", b"\xff"), (b"good", None)])
    facts = [repayment(n, account="one") for n in range(3)]
    partition = partition_of(b"one", PARTITIONS)
    mixed: list[Wire] = [(key.encode(), value, []) for key, value in facts]
    await send(rig.kafka, TOPICS[1], partition, [mixed[0], bad, mixed[1]], [mixed[2]])
    await send(rig.kafka, CALENDAR, 0, [bad])
    await rig.assert_exact(3)
    await until(lambda: _letters(rig, 2), "both records among the dead letters")
    reasons = await rig.rows("SELECT topic, reason FROM dead_letter ORDER BY topic")
    assert [tuple(row) for row in reasons] == [(CALENDAR, "malformed_header"), (TOPICS[1], "malformed_header")]
    await running.stop()


async def _letters(rig: Rig, count: int) -> bool:
    return len(await rig.rows("SELECT id FROM dead_letter")) >= count
