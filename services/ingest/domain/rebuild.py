"""A compact ledger made anew from all facts of an account: the way out when a fact reaches into the past.

Apart from the ledger, which never looks back, and from the assessment, which keeps nothing.
"""

from datetime import date

from services.ingest.domain.facts import (
    Adjusted,
    Billed,
    Cancelled,
    ChargedBack,
    Closed,
    Paused,
    Repaid,
    Resumed,
    Reversed,
    WrittenOff,
)
from services.ingest.domain.known import Known
from services.ingest.domain.ledger import Ledger
from services.ingest.domain.walk import Walk


def rebuilt(known: Known, walk: Walk, as_of: date) -> Ledger:
    """The ledger that all these facts come to on that day, to which the walk over them is taken."""
    walk.to(as_of)
    ledger = Ledger()
    walk.fill(ledger, {a.bill_id for a in known.of(Adjusted).values()})
    _exposure(ledger, known, as_of)
    _pauses(ledger, known)
    ledger.reaged_to = max((on.toordinal() for on in known.reages(as_of)), default=0)
    ledger.orphans = orphans(known)
    ledger.pending_on = min((on.toordinal() for on in known.effective_dates if on > as_of), default=None)
    return ledger


def _exposure(ledger: Ledger, known: Known, as_of: date) -> None:
    balance = known.balance(as_of)
    if balance is None:
        ledger.exposure_minor = known.exposure_minor(as_of)
    else:
        ledger.exposure_minor = balance.exposure_minor
        ledger.exposure_key = balance.effective_on.toordinal(), balance.balance_id
    written_off = [w.effective_on.toordinal() for w in known.of(WrittenOff).values() if w.effective_on <= as_of]
    closed = [c.effective_on.toordinal() for c in known.of(Closed).values() if c.effective_on <= as_of]
    ledger.written_off_on, ledger.closed_on = min(written_off, default=None), min(closed, default=None)


def _pauses(ledger: Ledger, known: Known) -> None:
    for id_, paused in known.of(Paused).items():
        until_on = paused.until_on.toordinal() if paused.until_on else None
        ledger.paused[id_] = [paused.from_on.toordinal(), until_on, None]
    for id_, resumed in known.of(Resumed).items():
        ledger.paused.setdefault(id_, [None, None, None])[2] = resumed.on.toordinal()
    if ledger.paused:
        ledger.merge_pauses()


def orphans(known: Known) -> list[str]:
    """Names of bills and repayments that some fact is about and that have not arrived."""
    bills = {a.bill_id for a in known.of(Adjusted).values()} | set(known.of(Cancelled))
    repayments = {*known.of(Reversed), *known.of(ChargedBack)}
    return sorted((bills - set(known.of(Billed))) | (repayments - set(known.of(Repaid))))
