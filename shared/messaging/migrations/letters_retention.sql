-- Settled dead letters may go after a time, with their history; nothing else of either may.

ALTER TABLE redrive DROP CONSTRAINT redrive_dead_letter_id_fkey;
ALTER TABLE redrive ADD CONSTRAINT redrive_dead_letter_id_fkey
    FOREIGN KEY (dead_letter_id) REFERENCES dead_letter (id) ON DELETE CASCADE;
ALTER TABLE dead_letter_history DROP CONSTRAINT dead_letter_history_dead_letter_id_fkey;
ALTER TABLE dead_letter_history ADD CONSTRAINT dead_letter_history_dead_letter_id_fkey
    FOREIGN KEY (dead_letter_id) REFERENCES dead_letter (id) ON DELETE CASCADE;

-- Inside a cascade the depth is 1, in a statement that names the history itself it is 0.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON dead_letter_history
    FOR EACH STATEMENT EXECUTE FUNCTION keep_letters_history();
CREATE TRIGGER goes_with_its_letter BEFORE DELETE ON dead_letter_history
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_letters_history();
CREATE FUNCTION keep_unsettled_letter() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'dead letter % is % and has to stay', OLD.id, OLD.state; END $$;
CREATE TRIGGER unsettled_stays BEFORE DELETE ON dead_letter
    FOR EACH ROW WHEN (OLD.state NOT IN ('redriven', 'discarded')) EXECUTE FUNCTION keep_unsettled_letter();
