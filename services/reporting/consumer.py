"""What reporting listens to. The two streams have different keys and meet only in queries."""

from services.reporting.handlers import apply_accounts, apply_customers, close_days
from shared.messaging import Stream

STREAMS = (
    Stream(
        name="customers",
        topics=(
            "banking.customers",
            "delinquency.status",
            "collections.treatments",
            "collections.cases",
            "contact.outcomes",
        ),
        handle=apply_customers,
        work=close_days,
    ),
    Stream(name="accounts", topics=("banking.accounts",), handle=apply_accounts),
)
