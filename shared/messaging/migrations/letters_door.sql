-- Dead letters get a state, a history and redrives; shards can be stopped and resumed.

ALTER TABLE dead_letter
    ADD COLUMN state text NOT NULL DEFAULT 'waiting', ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT dead_letter_state CHECK (state IN ('waiting', 'queued', 'redriven', 'discarded')),
    DROP CONSTRAINT dead_letter_stream_topic_partition_position_key;
ALTER TABLE dead_letter RENAME COLUMN headers TO header_pairs;
-- Header values were texts, or "hex:" and the bytes; now both names and values are hexadecimal.
UPDATE dead_letter SET header_pairs = (
    SELECT coalesce(jsonb_agg(jsonb_build_array(
               encode(convert_to(pair ->> 0, 'UTF8'), 'hex'),
               CASE WHEN starts_with(pair ->> 1, 'hex:') THEN substr(pair ->> 1, 5)
                    ELSE encode(convert_to(pair ->> 1, 'UTF8'), 'hex') END) ORDER BY place), '[]')
    FROM jsonb_array_elements(header_pairs) WITH ORDINALITY AS old (pair, place));
CREATE INDEX dead_letter_by_state ON dead_letter (state, id);
-- A topic made anew counts from 0 again: another record at a known place is another letter.
CREATE UNIQUE INDEX dead_letter_place ON dead_letter
    (stream, topic, partition, position, md5(coalesce(value, '')));
COMMENT ON COLUMN dead_letter.header_pairs IS '[name, value or null] as hexadecimal: the bytes that came';
COMMENT ON COLUMN dead_letter.state IS 'waiting, queued, redriven, discarded';
COMMENT ON COLUMN dead_letter.tries IS 'redrives that ended, well or not';

CREATE TABLE redrive (
    dead_letter_id bigint REFERENCES dead_letter, partition integer,
    stream text NOT NULL, value bytea, state text NOT NULL, actor text NOT NULL,
    PRIMARY KEY (dead_letter_id, partition)
);
CREATE INDEX redrive_queued ON redrive (stream, partition, dead_letter_id) WHERE state = 'queued';
COMMENT ON COLUMN redrive.partition IS 'the shard that is to try: all of them for a broadcast';
COMMENT ON COLUMN redrive.value IS 'the corrected event; none: the record as it came';
COMMENT ON COLUMN redrive.state IS 'queued, accepted, rejected';

CREATE TABLE dead_letter_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_letter_id bigint NOT NULL REFERENCES dead_letter,
    at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL, reason text NOT NULL,
    refused_for text NOT NULL, value bytea
);
CREATE INDEX ix_dead_letter_history_dead_letter_id ON dead_letter_history (dead_letter_id);
COMMENT ON COLUMN dead_letter_history.action IS 'redrive, accepted, rejected, discard, reveal';
COMMENT ON COLUMN dead_letter_history.reason IS 'why, as the actor said; what was refused, on rejected';
COMMENT ON COLUMN dead_letter_history.refused_for IS 'the letter''s reason when this was done';
COMMENT ON COLUMN dead_letter_history.value IS 'the corrected event of a redrive';

-- What was done to a dead letter is only ever added to.
CREATE FUNCTION keep_letters_history() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dead_letter_history
    FOR EACH STATEMENT EXECUTE FUNCTION keep_letters_history();

CREATE TABLE halt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL, partition integer NOT NULL, reason text NOT NULL, detail text NOT NULL,
    stopped_at timestamptz NOT NULL, resumed_at timestamptz, resumed_by text, resumed_because text
);
CREATE UNIQUE INDEX halt_open ON halt (stream, partition) WHERE resumed_at IS NULL;
