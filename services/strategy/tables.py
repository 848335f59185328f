"""The tables of strategy's schema. Column names are the field names of the domain's values: rows travel as JSON objects
between the two (`store`), so that a batch is one statement a table.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData()

customer = sa.Table(
    "customer",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, nullable=False, comment="of the customer's topics: whose day end decides"),
    sa.Column("next_decision_on", sa.Date, comment="first day whose end has something to decide"),
    comment="Customers who were ever delinquent, on hold or promised; the row that is locked for all of theirs.",
)
sa.Index(
    "customer_due",
    customer.c.partition,
    customer.c.next_decision_on,
    customer.c.customer_id,
    postgresql_where=customer.c.next_decision_on.is_not(None),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.BigInteger, nullable=False, comment="of the status; an older one never replaces it"),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("delinquent", sa.Boolean, nullable=False),
    sa.Column("days_past_due", sa.Integer, nullable=False),
    sa.Column("bucket", sa.Text, nullable=False),
    sa.Column("arrears_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("through", sa.Text, comment="how the last delinquency ended"),
    comment="Accounts that were ever delinquent, as ingest last described them.",
)

case_file = sa.Table(
    "case_file",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="counts the customer's cases from 1"),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("strategy_version", sa.Integer, nullable=False),
    sa.Column("closed_on", sa.Date),
    sa.Column("reason", sa.Text, comment="why it was closed"),
    sa.UniqueConstraint("customer_id", "number"),
    comment="Cases, open and closed.",
)

treatment = sa.Table(
    "treatment",
    metadata,
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("treatment_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False, index=True),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column(
        "sequence", sa.Integer, nullable=False, comment="how often the case had taken the step, this time included"
    ),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("decided_on", sa.Date, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("strategy_version", sa.Integer, nullable=False),
    sa.Column("rule", sa.Text, nullable=False, comment="the rule that made the decision, in words"),
    sa.Column("inputs", JSONB, nullable=False, comment="the values the rule saw"),
    sa.Column("state", sa.Text, nullable=False, comment="what became of the contact"),
    sa.Column("outcome", sa.Text, comment="in contact's word"),
    sa.Column("attempted_on", sa.Date),
    comment="Every decision that did something, with its reasons and the fate of the contact it asked for.",
)

promise = sa.Table(
    "promise",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("promise_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("promised_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("judge_on", sa.Date, nullable=False, comment="due date and grace: judged when that day is complete"),
    sa.Column("threshold_minor", sa.BigInteger, nullable=False),
    sa.Column("accounts", ARRAY(sa.Text), nullable=False, comment="delinquent when it was made; empty means all"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("paid_minor", sa.BigInteger, nullable=False),
    sa.Column("judged_on", sa.Date),
    comment="Promises to pay and how they ended.",
)

hold = sa.Table(
    "hold",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("hold_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("placed_on", sa.Date, nullable=False),
    sa.Column("until_on", sa.Date, comment="its last day, if it has one"),
    sa.Column("released_on", sa.Date),
    comment="Reasons not to treat a customer.",
)

repayment = sa.Table(
    "repayment",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("repayment_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, comment="null while only its undoing is known"),
    sa.Column("effective_on", sa.Date),
    sa.Column("undone_minor", sa.BigInteger, nullable=False, comment="taken back: zero or negative"),
    sa.Index("repayment_of_customer", "customer_id", "effective_on"),
    comment="Money that may count for a promise: on accounts that were ever delinquent.",
)

day = sa.Table(
    "day",
    metadata,
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("business_date", sa.Date, primary_key=True),
    sa.Column("source_shards", sa.Integer, nullable=False),
    sa.Column("aged_by", ARRAY(sa.Integer), nullable=False, comment="ingest shards that finished the date"),
    sa.Column("decided", sa.Boolean, nullable=False),
    comment="Business days as each partition saw them complete, and whether they are decided.",
)
sa.Index("day_undecided", day.c.partition, day.c.business_date, postgresql_where=~day.c.decided)

strategy_version = sa.Table(
    "strategy_version",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("in_use_since", sa.DateTime(timezone=True), nullable=False),
    comment="Every strategy version that was ever in use, as written.",
)
