"""How many decisions a second contact's gate makes, by the shipped rule pack, on a Tuesday noon when all are allowed.

`decision alone` is the gate on loaded customers, in memory. `enqueue` is the handler of strategy's requests on
PostgreSQL, as many in a batch as the loop takes: keep the request, load the customer, decide, archive every rule's
verdict, place. `dispatch` is the claim, as many in a transaction as the dispatcher takes: find, lock, load, decide
again, archive, write the message, open the attempt; nothing is sent and no answer is awaited.
"""

from functools import partial
from typing import Final

from services.contact import packs, worker
from services.contact.claim import Claims
from services.contact.gatekeeper import Gatekeeper
from services.contact.handlers import CustomerEvents
from services.contact.messages import Composer
from services.contact.rendering import SHIPPED, Templates
from services.contact.settings import ContactSettings
from services.contact.store import contacts, projections
from services.contact.translate import facts_of
from shared.contracts.fields import Contract
from shared.messaging import Received, ShardId, Transaction
from tests.bench.stopwatch import Took, stopwatch
from tests.bench.transactions import Transactions, cut, received, transactions
from tests.integration.contact.lab import TUESDAY_NOON, customer, request, status

BATCH_RECORDS: Final = ContactSettings.model_fields["batch_records_max"].default
DISPATCH_MAX: Final = ContactSettings.model_fields["dispatch_batch_max"].default
Figures = dict[str, dict[str, float]]


async def measure(cases: int) -> Figures:
    """Rates of each moment the gate is asked at, on the same requests."""
    gatekeeper = Gatekeeper(packs.read_rules(packs.SHIPPED))
    asked = received([_request(n) for n in range(cases)], TUESDAY_NOON)
    async with transactions("contact", ShardId("customers", 0)) as shard:
        handler = CustomerEvents(gatekeeper)
        known = received([one for n in range(cases) for one in _known(n)], TUESDAY_NOON)
        await _handled(shard, handler, known)
        return {
            "gate, decision alone": (await _alone(shard, gatekeeper, asked)).figures(cases),
            "gate, enqueue": (await _handled(shard, handler, asked)).figures(cases),
            "gate, dispatch": (await _claimed(shard, gatekeeper, cases)).figures(cases),
        }


def _known(n: int) -> tuple[Contract, Contract]:
    return customer(f"c-{n}"), status(f"a-{n}", f"c-{n}")


def _request(n: int) -> Contract:
    owed = request().accounts[0].model_copy(update={"account_id": f"a-{n}"})
    return request(f"k-{n}", f"c-{n}", accounts=(owed,))


async def _handled(shard: Transactions, handler: CustomerEvents, events: list[Received]) -> Took:
    with stopwatch() as took:
        for batch in cut(events, BATCH_RECORDS):
            await shard.run(partial(handler, batch), TUESDAY_NOON)
    return took


async def _alone(shard: Transactions, gatekeeper: Gatekeeper, asked: list[Received]) -> Took:
    requests = list(facts_of(asked).requests.values())
    async with shard.engine.connect() as connection:
        known = await projections.load_customers(connection, {one.customer_id for one in requests}, TUESDAY_NOON)
    with stopwatch() as took:
        gatekeeper.decide_all(requests, known, TUESDAY_NOON)
    return took


async def _claimed(shard: Transactions, gatekeeper: Gatekeeper, cases: int) -> Took:
    claims = Claims(gatekeeper, Composer(Templates(SHIPPED), "Test Lender"))
    left = cases
    with stopwatch() as took:
        async with worker.registered(shard.engine) as me:
            while left:
                taken = await _claim(shard, claims, me.number)
                if not taken:
                    raise AssertionError(f"{left} of {cases} requests were not allowed")
                left -= taken
    return took


async def _claim(shard: Transactions, claims: Claims, number: int) -> int:
    """One round of the dispatcher, up to the sending."""
    async with shard.engine.connect() as connection:
        due = await contacts.due(connection, ["sms"], TUESDAY_NOON, DISPATCH_MAX * 2)

    async def claim(tx: Transaction) -> int:
        return len(await claims.claim(tx, number, due, DISPATCH_MAX))

    return await shard.run(claim, TUESDAY_NOON)
