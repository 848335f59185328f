"""The tables the loop needs in every service's schema.

Services get them by the steps in `migrations`; a test holds that both come to the same.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()

shard = sa.Table(
    "shard",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False, comment="the owner's generation: an older one may not write"),
    sa.Column("next_seq", sa.BigInteger, nullable=False, comment="sequence of the next outbox row; gapless from 1"),
    sa.Column("offsets", JSONB, nullable=False, comment="topic -> next offset to apply"),
    sa.Column("watermarks", JSONB, nullable=False, comment="topic|source shard -> last sequence seen"),
    sa.Column("counters", JSONB, nullable=False, comment="records applied, duplicate, rejected"),
)

relay = sa.Table(
    "relay",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("relayed_seq", sa.BigInteger, nullable=False, comment="last sequence that Kafka acknowledged"),
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False, comment="the record's offset"),
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column(
        "header_pairs", JSONB, nullable=False, comment="[name, value or null] as hexadecimal: the bytes that came"
    ),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column(
        "state", sa.Text, nullable=False, server_default="waiting", comment="waiting, queued, redriven, discarded"
    ),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0", comment="redrives that ended, well or not"),
    sa.CheckConstraint("state IN ('waiting', 'queued', 'redriven', 'discarded')", name="dead_letter_state"),
    sa.Index("dead_letter_by_state", "state", "id"),
    # A topic made anew counts from 0 again: another record at a known place is another letter.
    sa.Index(
        "dead_letter_place",
        "stream",
        "topic",
        "partition",
        "position",
        sa.text("md5(coalesce(value, ''))"),
        unique=True,
    ),
)

redrive = sa.Table(
    "redrive",
    metadata,
    sa.Column("dead_letter_id", sa.BigInteger, sa.ForeignKey("dead_letter.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "partition", sa.Integer, primary_key=True, comment="the shard that is to try: all of them for a broadcast"
    ),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("value", sa.LargeBinary, comment="the corrected event; none: the record as it came"),
    sa.Column("state", sa.Text, nullable=False, comment="queued, accepted, rejected"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Index("redrive_queued", "stream", "partition", "dead_letter_id", postgresql_where=sa.text("state = 'queued'")),
)

dead_letter_history = sa.Table(
    "dead_letter_history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column(
        "dead_letter_id",
        sa.BigInteger,
        sa.ForeignKey("dead_letter.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False, comment="redrive, accepted, rejected, discard, reveal"),
    sa.Column("reason", sa.Text, nullable=False, comment="why, as the actor said; what was refused, on rejected"),
    sa.Column("refused_for", sa.Text, nullable=False, comment="the letter's reason when this was done"),
    sa.Column("value", sa.LargeBinary, comment="the corrected event of a redrive"),
)

halt = sa.Table(
    "halt",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("resumed_at", sa.DateTime(timezone=True)),
    sa.Column("resumed_by", sa.Text),
    sa.Column("resumed_because", sa.Text),
    sa.Index("halt_open", "stream", "partition", unique=True, postgresql_where=sa.text("resumed_at IS NULL")),
)

CREATE = (
    # Rows are only inserted; whole days are dropped. The primary key serves the relay's read in order.
    """CREATE TABLE outbox (
        written_on date NOT NULL DEFAULT current_date,
        stream text NOT NULL, partition integer NOT NULL, seq bigint NOT NULL,
        topic text NOT NULL, to_partition integer NOT NULL, key bytea, value bytea NOT NULL, headers text,
        PRIMARY KEY (stream, partition, seq, written_on)
    ) PARTITION BY RANGE (written_on)""",
    """CREATE TABLE outbox_default PARTITION OF outbox DEFAULT""",
)


# What was done to a dead letter is only ever added to. It goes with its letter, and a letter goes once it is settled:
# inside a cascade the depth is 1, in a statement that names the history itself it is 0.
KEEP_HISTORY = (
    """CREATE OR REPLACE FUNCTION keep_letters_history() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
    """CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON dead_letter_history
       FOR EACH STATEMENT EXECUTE FUNCTION keep_letters_history()""",
    """CREATE OR REPLACE TRIGGER goes_with_its_letter BEFORE DELETE ON dead_letter_history
       FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_letters_history()""",
    """CREATE OR REPLACE FUNCTION keep_unsettled_letter() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'dead letter % is % and has to stay', OLD.id, OLD.state; END $$""",
    """CREATE OR REPLACE TRIGGER unsettled_stays BEFORE DELETE ON dead_letter
       FOR EACH ROW WHEN (OLD.state NOT IN ('redriven', 'discarded')) EXECUTE FUNCTION keep_unsettled_letter()""",
)


def create(connection: sa.Connection) -> None:
    """Create what stands here in the connection's schema, for a loop without a service; a service migrates."""
    metadata.create_all(connection)
    for statement in (*CREATE, *KEEP_HISTORY):
        connection.execute(sa.text(statement))
