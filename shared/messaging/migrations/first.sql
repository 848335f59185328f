-- The loop's tables on the day of every service's first revision.

CREATE TABLE shard (
    stream text, partition integer,
    epoch bigint NOT NULL, next_seq bigint NOT NULL,
    offsets jsonb NOT NULL, watermarks jsonb NOT NULL, counters jsonb NOT NULL,
    PRIMARY KEY (stream, partition)
);
COMMENT ON COLUMN shard.epoch IS 'the owner''s generation: an older one may not write';
COMMENT ON COLUMN shard.next_seq IS 'sequence of the next outbox row; gapless from 1';
COMMENT ON COLUMN shard.offsets IS 'topic -> next offset to apply';
COMMENT ON COLUMN shard.watermarks IS 'topic|source shard -> last sequence seen';
COMMENT ON COLUMN shard.counters IS 'records applied, duplicate, rejected';

CREATE TABLE relay (
    stream text, partition integer,
    epoch bigint NOT NULL, relayed_seq bigint NOT NULL,
    PRIMARY KEY (stream, partition)
);
COMMENT ON COLUMN relay.relayed_seq IS 'last sequence that Kafka acknowledged';

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL, topic text NOT NULL, partition integer NOT NULL, position bigint NOT NULL,
    key bytea, value bytea, headers jsonb NOT NULL,
    reason text NOT NULL, detail text NOT NULL, rejected_at timestamptz NOT NULL,
    UNIQUE (stream, topic, partition, position)
);
COMMENT ON COLUMN dead_letter.position IS 'the record''s offset';

-- Rows are only inserted; whole days are dropped. The primary key serves the relay's read in order.
CREATE TABLE outbox (
    written_on date NOT NULL DEFAULT current_date,
    stream text NOT NULL, partition integer NOT NULL, seq bigint NOT NULL,
    topic text NOT NULL, to_partition integer NOT NULL, key bytea, value bytea NOT NULL, headers text,
    PRIMARY KEY (stream, partition, seq, written_on)
) PARTITION BY RANGE (written_on);
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
