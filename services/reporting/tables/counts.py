"""What is counted as it comes, a row a shard; people read the views that add the shards up."""

from typing import Final

import sqlalchemy as sa

from services.reporting.tables.columns import count, key, metadata

opened_count = sa.Table(
    "opened_count",
    metadata,
    key("shard", sa.Integer, "partition of banking.accounts"),
    key("opened_on", sa.Date, "opening date"),
    key("currency", sa.Text, "ISO 4217 code"),
    key("product", sa.Text, "product name"),
    count("accounts", "accounts opened"),
    comment="Accounts opened per day, a row a shard.",
)
STAGES: Final = (
    "requested",
    "suppressed",
    "attempted",
    "delivered",
    "failed",
    "reached",
    "right_party",
    "promised",
    "kept",
    "broken",
)
"""Of the contact funnel; each is counted once a contact, on the day the contact was requested."""
contact_count = sa.Table(
    "contact_count",
    metadata,
    key("shard", sa.Integer, "partition"),
    key("requested_on", sa.Date, "date the contacts were requested"),
    key("currency", sa.Text, "currency of the arrears"),
    key("channel", sa.Text, "channel"),
    key("rule", sa.Text, "rule that suppressed them; empty when none did"),
    *(count(stage, f"contacts {stage.replace('_', ' ')}") for stage in STAGES),
    *(count(f"{stage}_minor", f"arrears of the contacts {stage.replace('_', ' ')}") for stage in STAGES),
    comment="Contact funnel per day of request, a row a shard.",
)
promise_count = sa.Table(
    "promise_count",
    metadata,
    key("shard", sa.Integer, "partition"),
    key("day", sa.Date, "date promised or judged"),
    key("currency", sa.Text, "ISO 4217 code"),
    count("made", "promises made that day"),
    count("made_minor", "amount promised that day"),
    count("kept", "promises judged kept that day"),
    count("broken", "promises judged broken that day"),
    count("judged_minor", "amount promised of those judged that day"),
    count("paid_minor", "amount paid of it: never more than was promised"),
    comment="Promises per day, a row a shard.",
)
