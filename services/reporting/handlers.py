"""What reporting does with a batch: one function a stream, and the closing of complete days between batches.

Nothing here is published. Statuses are folded in the order they came; contacts and promises are merged, because
their events come over several topics that do not wait for each other. Events are told apart by their type alone:
asking a contract's class whether something is one of it is slow.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from services.reporting import translate
from services.reporting.domain.contact import Contact, Promise, merged_contact, merged_promise
from services.reporting.domain.standing import Book
from services.reporting.store import accounts, closing, contacts, statuses
from services.reporting.store.sql import Row
from shared.contracts import banking, collections, delinquency, outcomes
from shared.contracts.delinquency import DelinquencyStatus
from shared.messaging import Received, Transaction

T = TypeVar("T", bound=Row)

_STATUSES: Final = frozenset((
    delinquency.DelinquencyEntered, delinquency.DelinquencyRolled, delinquency.ArrearsChanged,
    delinquency.DelinquencyCured, delinquency.RepaymentApplied, delinquency.PortfolioAged,
))  # fmt: skip
_PROMISES: Final[Mapping[type, Callable[[Any], Promise]]] = {
    outcomes.PromiseMade: translate.made_promise,
    collections.PromiseKept: translate.kept_promise,
    collections.PromiseBroken: translate.broken_promise,
}
_CONTACTS: Final[Mapping[type, Callable[[Any], Contact]]] = {
    collections.ContactRequested: translate.requested_contact,
    outcomes.ContactAttempted: translate.reached_contact,
    outcomes.ContactDelivered: translate.reached_contact,
    outcomes.ContactFailed: translate.failed_contact,
    outcomes.ContactSuppressed: translate.suppressed_contact,
    outcomes.RightPartyReached: translate.reached_contact,
}
_CASES: Final[Mapping[type, Callable[[Any], Row]]] = {
    collections.CaseOpened: translate.opened_case,
    collections.StrategyAssigned: translate.assigned_case,
    collections.CaseClosed: translate.closed_case,
}
_TREATMENTS: Final[Mapping[type, Callable[[Any], Row]]] = {collections.TreatmentDecided: translate.treatment_row}
_CUSTOMERS: Final[Mapping[type, Callable[[Any], Row]]] = {banking.CustomerUpdated: translate.customer_row}


async def apply_accounts(batch: Sequence[Received], tx: Transaction) -> None:
    """Open accounts. The same opening again is nothing; another one under the same id is refused."""
    opened = [received for received in batch if type(received.data) is banking.AccountOpened]
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
    told = [received.data for received in batch]
    await _apply_statuses([r for r, data in zip(batch, told, strict=True) if type(data) in _STATUSES], tx)
    await _apply_contacts(told, tx)
    customers = _gathered(told, _CUSTOMERS, _revised)
    await accounts.save_customers(tx.connection, customers.values())


async def _apply_statuses(batch: Sequence[Received], tx: Transaction) -> None:
    if not batch:
        return
    touched = {r.data.account_id for r in batch if type(r.data) is not delinquency.PortfolioAged}
    book = await statuses.load_book(tx.connection, tx.shard.partition, touched)
    written = statuses.Written()
    for received in batch:
        data: Any = received.data
        if type(data) is delinquency.PortfolioAged:
            if book.close_day(data.source_shard, data.business_date):
                written.aged.append((data.business_date, data.source_shard, data.source_shards))
            continue
        source = translate.source_shard_of(received)
        if not book.take(data.account_id, data.version, source, data):
            tx.duplicate(received)
        if type(data) is delinquency.RepaymentApplied:
            written.repayments.append(translate.repayment_row(data, book.open_day(source)))
        elif type(data) is delinquency.DelinquencyCured:
            written.cures.append(translate.cure_row(data, book.open_day(source)))
    _keep(book, written)
    await statuses.save(tx.connection, tx.shard.partition, written)
    # Whoever ages the last partition to a day comes to look whether the day is complete; others need not.
    if any(book.is_aged(day, source_shards) for day, _, source_shards in written.aged):
        tx.wake_work()


def _keep(book: Book[DelinquencyStatus], written: statuses.Written) -> None:
    written.ended = list(book.ended())
    written.past = [(*translate.unassessed_row(data), closing.NO_DAY, end) for data, end in book.entered()]
    written.past += [(*translate.status_row(data), start, end) for data, start, end in book.past()]
    written.present = [(*translate.status_row(data), day) for data, day in book.present()]


async def _apply_contacts(told: Sequence[Any], tx: Transaction) -> None:
    shard, promises = tx.shard.partition, _gathered(told, _PROMISES, merged_promise)
    found = _gathered(told, _CONTACTS, merged_contact)
    for promised in await contacts.save_promises(tx.connection, shard, promises.values()):
        _merge(found, promised, merged_contact)
    await contacts.save(
        tx.connection,
        shard,
        contacts=found.values(),
        cases=_gathered(told, _CASES, _filled).values(),
        treatments=_gathered(told, _TREATMENTS, _first).values(),
    )


def _gathered(
    told: Iterable[Any], rows: Mapping[type, Callable[[Any], T]], merged: Callable[[T, T], T]
) -> dict[str, T]:
    """What the events of these types say: one row an id, with which every row begins."""
    found: dict[str, T] = {}
    for data in told:
        row_of = rows.get(type(data))
        if row_of is not None:
            _merge(found, row_of(data), merged)
    return found


def _merge(found: dict[str, T], later: T, merged: Callable[[T, T], T]) -> None:
    key, known = later[0], found.get(later[0])
    found[key] = later if known is None else merged(known, later)


def _filled(known: Row, later: Row) -> Row:
    return tuple(a if b is None else b for a, b in zip(known, later, strict=True))


def _first(known: Row, later: Row) -> Row:
    return known


def _revised(known: Row, later: Row) -> Row:
    """Of two rows of a customer the one with the higher revision, the first among equals."""
    return later if known[1] < later[1] else known


async def close_days(tx: Transaction) -> bool:
    """Close the next complete day, if there is one; True when there may be another."""
    claim = await closing.claim_day(tx.connection, tx.shards)
    if claim.day is not None:
        await closing.close_day(tx.connection, claim.day, claim.previous)
    return claim.more
