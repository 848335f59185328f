"""What reporting does with a batch: one function a stream, and the closing of complete days between batches.

Nothing here is published. Statuses are folded in the order they came; contacts and promises are merged, because
their events come over several topics that do not wait for each other.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

from services.reporting import translate
from services.reporting.domain.contact import Contact, Promise, merged_contact, merged_promise
from services.reporting.domain.standing import Book
from services.reporting.store import accounts, closing, contacts, statuses
from services.reporting.store.arrays import Row
from shared.contracts.banking import AccountOpened, CustomerUpdated
from shared.contracts.collections import (
    CaseClosed,
    CaseOpened,
    ContactRequested,
    PromiseKept,
    StrategyAssigned,
    TreatmentDecided,
)
from shared.contracts.delinquency import DelinquencyCured, DelinquencyStatus, PortfolioAged, RepaymentApplied
from shared.contracts.outcomes import ContactEvent, PromiseMade
from shared.messaging import Received, Transaction

T = TypeVar("T")


async def apply_accounts(batch: Sequence[Received], tx: Transaction) -> None:
    """Open accounts. The same opening again is nothing; another one under the same id is refused."""
    opened = [received for received in batch if isinstance(received.data, AccountOpened)]
    if not opened:
        return
    rows: dict[str, Row] = {}
    for received in opened:
        rows.setdefault(received.data.account_id, translate.account_row(received.data))
    new = await accounts.open_accounts(tx.connection, tx.shard.partition, list(rows.values()))
    known = [account_id for account_id in rows if account_id not in new]
    if known:
        rows |= await accounts.load_accounts(tx.connection, known)
    _refuse_conflicts(opened, rows, new, tx)


def _refuse_conflicts(opened: Sequence[Received], stored: dict[str, Row], unclaimed: set[str], tx: Transaction) -> None:
    for received in opened:
        account_id = received.data.account_id
        if translate.account_row(received.data) != stored[account_id]:
            tx.reject(received, "conflicting_duplicate", "this account was opened before with another body")
        elif account_id in unclaimed:
            unclaimed.discard(account_id)
        else:
            tx.duplicate(received)


async def apply_customers(batch: Sequence[Received], tx: Transaction) -> None:
    """Take in everything that is keyed by customer."""
    await _apply_statuses([r for r in batch if isinstance(r.data, (DelinquencyStatus, PortfolioAged))], tx)
    await _apply_contacts([received.data for received in batch], tx)
    await _apply_cases([received.data for received in batch], tx)
    customers: dict[str, CustomerUpdated] = {}
    for received in batch:
        if isinstance(received.data, CustomerUpdated):
            known = customers.setdefault(received.data.customer_id, received.data)
            if known.revision < received.data.revision:
                customers[received.data.customer_id] = received.data
    await accounts.save_customers(tx.connection, [translate.customer_row(data) for data in customers.values()])


async def _apply_statuses(batch: Sequence[Received], tx: Transaction) -> None:
    if not batch:
        return
    touched = {r.data.account_id for r in batch if isinstance(r.data, DelinquencyStatus)}
    book = await statuses.load_book(tx.connection, tx.shard.partition, touched)
    repayments: list[Row] = []
    cures: list[Row] = []
    aged: list[Row] = []
    for received in batch:
        data: Any = received.data
        if isinstance(data, PortfolioAged):
            if book.close_day(data.source_shard, data.business_date):
                aged.append((data.business_date, data.source_shard, data.source_shards))
            continue
        source = translate.source_shard_of(received)
        if not book.take(data.account_id, data.version, source, data):
            tx.duplicate(received)
        if isinstance(data, RepaymentApplied):
            repayments.append(translate.repayment_row(data, book.open_day(source)))
        elif isinstance(data, DelinquencyCured):
            cures.append(translate.cure_row(data, book.open_day(source)))
    await _save_book(book, tx)
    await statuses.save_repayments(tx.connection, repayments)
    await statuses.save_cures(tx.connection, cures)
    await statuses.save_aged(tx.connection, tx.shard.partition, aged)
    if aged:
        tx.wake_work()


async def _save_book(book: Book[DelinquencyStatus], tx: Transaction) -> None:
    await statuses.end_statuses(tx.connection, list(book.ended()))
    past = [(*translate.unassessed_row(data), date.min, end) for data, end in book.entered()]
    past += [(*translate.status_row(data), start, end) for data, start, end in book.past()]
    await statuses.save_past(tx.connection, past)
    await statuses.save_present(tx.connection, [(*translate.status_row(data), day) for data, day in book.present()])


async def _apply_contacts(batch: Sequence[Any], tx: Transaction) -> None:
    promises: dict[str, Promise] = {}
    found: dict[str, Contact] = {}
    for data in batch:
        if isinstance(data, PromiseMade):
            _merge(promises, data.promise_id, translate.made_promise(data), merged_promise)
        elif isinstance(data, PromiseKept):
            _merge(promises, data.promise_id, translate.judged_promise(data), merged_promise)
        elif isinstance(data, ContactRequested):
            _merge(found, data.contact_id, translate.requested_contact(data), merged_contact)
        elif isinstance(data, ContactEvent):
            _merge(found, data.contact_id, translate.reached_contact(data), merged_contact)
    for promised in await contacts.save_promises(tx.connection, tx.shard.partition, promises.values()):
        _merge(found, promised.contact_id, promised, merged_contact)
    await contacts.save_contacts(tx.connection, tx.shard.partition, found.values())


def _merge(known: dict[str, T], key: str, later: T, merged: Callable[[T, T], T]) -> None:
    known[key] = merged(known[key], later) if key in known else later


async def _apply_cases(batch: Sequence[Any], tx: Transaction) -> None:
    cases: dict[str, Row] = {}
    treatments: dict[str, Row] = {}
    for data in batch:
        if isinstance(data, (CaseOpened, StrategyAssigned, CaseClosed)):
            _merge(cases, data.case_id, translate.case_row(data), _filled)
        elif isinstance(data, TreatmentDecided):
            treatments.setdefault(data.treatment_id, translate.treatment_row(data))
    await contacts.save_cases(tx.connection, list(cases.values()))
    await contacts.save_treatments(tx.connection, list(treatments.values()))


def _filled(known: Row, later: Row) -> Row:
    return tuple(a if b is None else b for a, b in zip(known, later, strict=True))


async def close_days(tx: Transaction) -> bool:
    """Close the next complete day, if there is one; True when there may be another."""
    claimed = await closing.claim_day(tx.connection, tx.shards)
    if claimed is None:
        return False
    await closing.close_day(tx.connection, *claimed)
    return True
