"""What a batch of events does here: keep what it says, plan what it asks for, and wake what waits for it."""

from collections.abc import Collection, Sequence

from services.contact import consents, translate
from services.contact.domain.facts import Facts, Withdrawal
from services.contact.domain.request import Request
from services.contact.gatekeeper import Gatekeeper
from services.contact.store import contacts, projections
from shared.messaging import Received, Transaction


class CustomerEvents:
    """The handler of the stream "customers"."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    async def __call__(self, batch: Sequence[Received], tx: Transaction) -> None:
        """Projections first, then requests judged by them, then withdrawals, which may be of requests just made."""
        facts = translate.facts_of(batch)
        if await _keep(facts, tx):
            tx.wake_work()
        if facts.requests:
            await self._plan(facts.requests.values(), tx)
        if facts.withdrawals:
            await _withdraw(facts.withdrawals, tx)

    async def _plan(self, requests: Collection[Request], tx: Transaction) -> None:
        """Keep requests and decide a first time: to refuse what will not become lawful, and to know when it is due."""
        customer_ids = {request.customer_id for request in requests}
        customers = await projections.load_customers(tx.connection, customer_ids, tx.now)
        if await self._gatekeeper.plan(tx, requests, customers):
            tx.wake_work()


async def _keep(facts: Facts, tx: Transaction) -> bool:
    """Write down what was learned; whether contacts had waited for it."""
    connection, woken = tx.connection, False
    if facts.profiles:
        woken = await projections.save_customers(connection, facts.profiles.values(), tx.now)
    if facts.statements:
        await consents.say(tx, facts.statements.values())
    if facts.owed:
        woken |= await projections.save_balances(connection, facts.owed.values(), tx.now)
    if facts.holds:
        await projections.save_holds(connection, facts.holds.values())
    if facts.settled_of:
        await projections.close_promises(connection, facts.settled_of, facts.settled_promises, facts.closed_cases)
    return woken


async def _withdraw(withdrawals: Sequence[Withdrawal], tx: Transaction) -> None:
    """Take back what has not been sent; what has been is too late to take back."""
    for contact in await contacts.withdraw(tx.connection, withdrawals):
        event = translate.suppressed(contact, tx.now, "withdrawn", contact.reason)
        tx.emit(event, subject=contact.customer_id, key=contact.customer_id)
