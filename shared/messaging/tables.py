"""The tables the loop needs in every service's schema; created by each service's first migration."""

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
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("stream", "topic", "partition", "position"),
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


def create(connection: sa.Connection) -> None:
    """Create the messaging tables in the connection's schema; for a service's first migration."""
    metadata.create_all(connection)
    for statement in CREATE:
        connection.execute(sa.text(statement))
