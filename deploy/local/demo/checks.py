"""What the demo holds the system to before it reports: pure comparisons that say by how much they fail."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from deploy.local.demo.figures import Figures, Row
from deploy.local.demo.mailroom import Message
from deploy.local.demo.recomputed import LEDGER_TOPICS, Cell, Sums
from deploy.local.portfolio.people import Customer
from shared.contracts.topics import BY_NAME
from shared.vocabulary.money import minor_units

LEDGER_REASONS: Final = {"wrong_currency", "conflicting_duplicate"}
"""Reasons only ingest has: these records are well formed for everybody else."""
LOCAL_HOURS: Final = (time(8), time(20))
"""When the shipped rules let people be written to, Monday to Friday."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and where it does not."""

    name: str
    held: str
    """What was compared, with how much of it."""
    failures: tuple[str, ...] = ()


def check(name: str, held: str, failures: Iterable[str]) -> Check:
    """A check from its failures."""
    return Check(name, held, tuple(failures))


def reporting_equals_ledgers(figures: Figures) -> Check:
    """Accounts, arrears and exposure per currency, state and bucket."""
    reported = cells(figures.reporting["closed"], "_amount")
    kept = cells(figures.ledgers["totals"], "")
    held = f"{sum(sums[0] for sums in kept.values()):,} accounts in {len(kept)} cells of currency, state and bucket"
    return check("reporting's totals equal the ledgers", held, _differences(kept, reported))


def ledgers_equal_facts(figures: Figures, expected: Mapping[Cell, Sums]) -> Check:
    """The same totals worked out again from the published facts."""
    kept = cells(figures.ledgers["totals"], "")
    return check(
        "the ledgers equal a recomputation from the facts",
        f"{sum(sums[0] for sums in expected.values()):,} accounts assessed anew by the reference",
        _differences(expected, kept),
    )


def nobody_contacted_twice(figures: Figures, messages: list[Message]) -> Check:
    """Every message at the providers is one attempt, and contact and reporting know of exactly those."""
    tokens = Counter(message.token for message in messages)
    failures = [f"attempt {token} arrived {count} times" for token, count in tokens.items() if count > 1]
    arrived = Counter(message.channel for message in messages)
    attempted = sums((row for row in figures.attempts if row["state"] != "not_sent"), "channel", "attempts")
    reported = sums(figures.metrics["contact_funnel"], "channel", "attempted")
    for channel in ("sms", "email"):
        counts = {"providers": arrived[channel], "contact": attempted[channel], "reporting": reported[channel]}
        if len(set(counts.values())) > 1:
            failures.append(f"{channel}: {counts}")
    return check("no contact was sent twice", f"{len(messages):,} messages, each of an attempt of its own", failures)


def every_event_accounted_for(figures: Figures, kinds: Mapping[str, str], repeated: Counter[str]) -> Check:
    """Published = stored as a fact + exact repetition + dead letter, per topic; and everybody has read to the end."""
    published, failures = figures.scope.published, []
    stored: Counter[str] = Counter()
    for kind, count in figures.ledgers["facts"].items():
        stored[kinds[kind]] += count
    for topic in LEDGER_TOPICS:
        letters = sum(letter["topic"] == topic for letter in figures.letters["ingest"])
        known = stored[topic] + repeated[topic] + letters
        if known != published[topic]:
            failures.append(f"{topic}: {published[topic]} published, {known} accounted for")
    counted = sum(shard["counters"].get("duplicate", 0) for shard in figures.shards["ingest"])
    expected = sum(repeated[topic] for topic in LEDGER_TOPICS)
    if counted != expected:
        failures.append(f"ingest counted {counted} repetitions, {expected} were published")
    failures += _unread(figures)
    held = f"{sum(published.values()):,} records on {len(published)} topics; {figures.ledgers['facts_waiting']} wait"
    return check("every event is accounted for", held, failures)


def dead_letters_are_the_malformed(figures: Figures, refused: Counter[tuple[str, str]]) -> Check:
    """Each service refused exactly what was made malformed on its topics, for the reason it was made so."""
    failures, total = [], 0
    for name, letters in figures.letters.items():
        found = Counter((letter["topic"], letter["reason"]) for letter in letters)
        expected = Counter(
            {
                (topic, reason): count
                for (topic, reason), count in refused.items()
                if name in BY_NAME[topic].consumers and (name == "ingest" or reason not in LEDGER_REASONS)
            }
        )
        total += found.total()
        for topic, reason in sorted((found - expected) | (expected - found)):
            place = topic, reason
            failures.append(f"{name}: {found[place]} of {topic} as {reason}, expected {expected[place]}")
    return check("the dead letters are exactly what was malformed", f"{total} dead letters", failures)


def contacted_lawfully(
    messages: Iterable[tuple[Message, Customer]],
    nightly: list[Message],
    opted_out: Mapping[tuple[str, str], datetime],
) -> Check:
    """Inside local hours in the person's real zone, and not after opting out of the channel."""
    failures, count = [f"{m.channel} {m.token} came after the close of {m.at:%Y-%m-%d}" for m in nightly], 0
    for message, person in messages:
        count += 1
        local = message.at.astimezone(ZoneInfo(person.place.time_zone))
        if local.weekday() > 4 or not LOCAL_HOURS[0] <= local.time() < LOCAL_HOURS[1]:
            failures.append(f"{message.channel} {message.token} arrived on {local:%a %H:%M} local time")
        since = opted_out.get((person.id, message.channel))
        if since is not None and message.at > since:
            failures.append(f"{message.channel} {message.token} came after the opt-out of {since:%Y-%m-%d}")
    return check("nobody was written to at a wrong time or against their will", f"{count:,} messages", failures)


def cells(rows: Iterable[Row], suffix: str) -> dict[Cell, Sums]:
    """A service's totals by currency, state and bucket."""
    totals: dict[Cell, Sums] = {}
    for row in rows:
        currency = row["currency"]
        money = (minor_units(str(row[f"{name}{suffix}"]), currency) for name in ("arrears", "exposure"))
        totals[currency, row["state"], row["bucket"]] = (row["accounts"], *money)
    return totals


def sums(rows: Iterable[Row], key: str, measure: str) -> Counter[str]:
    """A measure added up by a key."""
    added: Counter[str] = Counter()
    for row in rows:
        added[row[key]] += row[measure]
    return added


def _differences(expected: Mapping[Cell, Sums], found: Mapping[Cell, Sums]) -> Iterator[str]:
    for cell in sorted(expected.keys() | found.keys()):
        one, other = expected.get(cell, (0, 0, 0)), found.get(cell, (0, 0, 0))
        if one != other:
            names = zip(("accounts", "arrears", "exposure"), one, other, strict=True)
            yield f"{' '.join(cell)}: " + ", ".join(f"{n} {b - a:+,}" for n, a, b in names if a != b)


def _unread(figures: Figures) -> Iterator[str]:
    """Topics a service has not read to the end."""
    for topic, count in figures.scope.published.items():
        for name in BY_NAME[topic].consumers:
            offsets = [shard["offsets"].get(topic, 0) for shard in figures.shards[name]]
            read = min((o for o in offsets if o), default=0) if BY_NAME[topic].broadcast else sum(offsets)
            if read != count:
                yield f"{name} has read {read} of {count} records of {topic}"
