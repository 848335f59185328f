"""The reporting store: a star of facts around accounts and customers, and the aggregates that closed days leave.

Comments are for people who query: the data dictionary and the database's own comments are made from them.
Amounts are integers of the currency's minor unit (`_minor`); currencies are never added.
"""

from typing import Final

# In the order in which the data dictionary tells of them.
# isort: off
from services.reporting.tables.columns import metadata
from services.reporting.tables.star import account_now
from services.reporting.tables import facts, closed
from services.reporting.tables.counts import STAGES
# isort: on

__all__ = ["INTERNAL", "STAGES", "account_now", "closed", "facts", "metadata"]

INTERNAL: Final = {"day_aged", "opened_count", "contact_count", "promise_count"}
"""Bookkeeping per shard; people read the views over them."""
