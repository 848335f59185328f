"""What contact listens to: one stream, all keyed by customer."""

from collections.abc import Callable

from services.contact.gatekeeper import Gatekeeper
from services.contact.handlers import CustomerEvents
from shared.messaging import Stream, Transaction


def customers(gatekeeper: Gatekeeper, wake: Callable[[], None]) -> Stream:
    """The stream; `wake` is called once contacts that may be due are committed."""

    async def work(tx: Transaction) -> bool:
        # Runs after the commit of the batch that asked for it: what the dispatcher finds then is really there.
        wake()
        return False

    return Stream(
        "customers",
        ("banking.customers", "delinquency.status", "collections.treatments", "collections.cases"),
        CustomerEvents(gatekeeper),
        work=work,
    )
