"""What a batch of events does here: keep what it says, plan what it asks for, and wake what waits for it."""

from collections.abc import Collection, Sequence

from services.contact import consents, translate
from services.contact.domain.facts import Facts, Withdrawal
from services.contact.domain.request import Request
from services.contact.domain.verdict import Conclusion
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
        await _keep(facts, tx)
        if facts.requests:
            await self._plan(facts.requests.values(), tx)
        if facts.withdrawals:
            await _withdraw(facts.withdrawals, tx)
        enlightened = list(facts.enlightened())
        if enlightened and await contacts.reawaken(tx.connection, enlightened, tx.now):
            tx.wake_work()

    async def _plan(self, requests: Collection[Request], tx: Transaction) -> None:
        """Keep requests and decide a first time: to refuse what will not become lawful, and to know when it is due."""
        new = await contacts.add(tx.connection, requests)
        fresh = [request for request in requests if request.contact_id in new]
        if not fresh:
            return
        customer_ids = {request.customer_id for request in fresh}
        await projections.add_stubs(tx.connection, customer_ids)
        customers = await projections.load_customers(tx.connection, customer_ids, tx.now)
        decided = self._gatekeeper.decide_all(fresh, customers, tx.now)
        await self._gatekeeper.keep(tx, "enqueue", decided)
        if any(decision.conclusion is Conclusion.ALLOWED for _, decision in decided):
            tx.wake_work()


async def _keep(facts: Facts, tx: Transaction) -> None:
    connection = tx.connection
    if facts.profiles:
        await projections.save_customers(connection, facts.profiles.values())
    if facts.statements:
        await consents.say(tx, facts.statements.values())
    if facts.owed:
        await projections.save_balances(connection, facts.owed.values())
    if facts.holds:
        await projections.save_holds(connection, facts.holds.values())
    if facts.settled_promises or facts.closed_cases:
        await projections.close_promises(connection, facts.settled_promises, facts.closed_cases)


async def _withdraw(withdrawals: Sequence[Withdrawal], tx: Transaction) -> None:
    """Take back what has not been sent; what has been is too late to take back."""
    for contact in await contacts.withdraw(tx.connection, withdrawals):
        event = translate.suppressed(contact, tx.now, "withdrawn", contact.reason)
        tx.emit(event, subject=contact.customer_id, key=contact.customer_id)
