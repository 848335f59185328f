-- Contact's tables on the day of this revision.
-- Frozen: a later change is a revision of its own, and a test compares what all of them leave with tables.py.

CREATE TABLE attempt (
    attempt_id text NOT NULL,
    contact_id text NOT NULL,
    customer_id text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    worker bigint,
    sends integer NOT NULL,
    endpoint text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    provider_id text,
    outcome text,
    reason text,
    PRIMARY KEY (attempt_id)
);
CREATE INDEX attempt_contact ON attempt (contact_id);
CREATE INDEX attempt_customer ON attempt (customer_id, at);
CREATE INDEX attempt_open ON attempt (state, worker) WHERE state IN ('pending', 'unknown');
COMMENT ON COLUMN attempt.attempt_id IS 'also the provider''s idempotency token';
COMMENT ON COLUMN attempt.state IS 'pending, not_sent, unknown, sent, failed, delivered';
COMMENT ON COLUMN attempt.worker IS 'the process that sends it; null for a call';
COMMENT ON COLUMN attempt.sends IS 'how often it was handed over; more than 1 only after proof that it never arrived';
COMMENT ON COLUMN attempt.outcome IS 'how a call ended';

CREATE TABLE balance (
    account_id text NOT NULL,
    customer_id text NOT NULL,
    version bigint NOT NULL,
    arrears_minor bigint NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (account_id)
);
CREATE INDEX balance_customer ON balance (customer_id);
COMMENT ON TABLE balance IS 'accounts that owe or once owed; one never in arrears has no row';

CREATE TABLE call_task (
    contact_id text NOT NULL,
    leases integer NOT NULL,
    attempt_id text,
    collector text,
    leased_until timestamptz,
    report jsonb,
    answer jsonb,
    PRIMARY KEY (contact_id)
);
CREATE INDEX call_task_leased ON call_task (leased_until) WHERE leased_until IS NOT NULL;
COMMENT ON COLUMN call_task.report IS 'the outcome as reported; a repeat must be equal';
COMMENT ON COLUMN call_task.answer IS 'what the report was answered with';

CREATE TABLE consent (
    customer_id text NOT NULL,
    channel text NOT NULL,
    endpoint text NOT NULL,
    given boolean NOT NULL,
    effective_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, channel, endpoint)
);
COMMENT ON COLUMN consent.endpoint IS 'normalised; empty: the whole channel';

CREATE TABLE contact (
    contact_id text NOT NULL,
    customer_id text NOT NULL,
    case_id text NOT NULL,
    treatment_id text NOT NULL,
    channel text NOT NULL,
    template text NOT NULL,
    purpose text NOT NULL,
    accounts jsonb NOT NULL,
    days_past_due integer NOT NULL,
    priority integer NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz NOT NULL,
    awaiting boolean NOT NULL,
    reason text,
    PRIMARY KEY (contact_id)
);
CREATE INDEX contact_awaiting ON contact (customer_id) WHERE awaiting AND state = 'planned';
CREATE INDEX contact_call_queue ON contact (priority DESC, due_at, contact_id) WHERE state = 'planned' AND channel = 'call';
CREATE INDEX contact_customer ON contact (customer_id);
CREATE INDEX contact_due ON contact (due_at, contact_id) WHERE state = 'planned';
COMMENT ON COLUMN contact.accounts IS '[account id, status version or null]';
COMMENT ON COLUMN contact.state IS 'planned, pending, unknown, sent, delivered, failed, suppressed, withdrawn, expired';
COMMENT ON COLUMN contact.due_at IS 'when to ask the gate again';
COMMENT ON COLUMN contact.awaiting IS 'due at once when more is learned of the customer';
COMMENT ON COLUMN contact.reason IS 'why it failed or was not sent';

CREATE TABLE customer (
    customer_id text NOT NULL,
    revision bigint,
    name text DEFAULT '' NOT NULL,
    language text DEFAULT '' NOT NULL,
    time_zone text,
    region text,
    endpoints jsonb DEFAULT '[]' NOT NULL,
    PRIMARY KEY (customer_id)
);
COMMENT ON COLUMN customer.revision IS 'null: a contact was requested before core banking named them';
COMMENT ON COLUMN customer.endpoints IS '[kind, value] in order of preference';

CREATE TABLE gate_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY,
    contact_id text NOT NULL,
    customer_id text NOT NULL,
    moment text NOT NULL,
    decided_at timestamptz NOT NULL,
    recorded_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    conclusion text NOT NULL,
    rule text,
    reason text,
    until timestamptz,
    pack text NOT NULL,
    pack_hash text NOT NULL,
    verdicts jsonb NOT NULL,
    PRIMARY KEY (decision_id)
);
CREATE INDEX gate_decision_contact ON gate_decision (contact_id);
COMMENT ON TABLE gate_decision IS 'append-only: a trigger refuses UPDATE, DELETE and TRUNCATE';
COMMENT ON COLUMN gate_decision.moment IS 'enqueue, dispatch or lease';
COMMENT ON COLUMN gate_decision.verdicts IS 'every rule''s answer with the inputs it saw';

CREATE TABLE hold (
    hold_id text NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    until_on date,
    released boolean NOT NULL,
    PRIMARY KEY (hold_id)
);
CREATE INDEX hold_standing ON hold (customer_id) WHERE NOT released;

CREATE TABLE promise (
    promise_id text NOT NULL,
    customer_id text NOT NULL,
    case_id text NOT NULL,
    contact_id text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    due_on date NOT NULL,
    made_at timestamptz NOT NULL,
    open boolean NOT NULL,
    PRIMARY KEY (promise_id)
);
CREATE INDEX promise_open ON promise (customer_id) WHERE open;
COMMENT ON COLUMN promise.open IS 'strategy judges promises; until then they are open';

CREATE SEQUENCE worker_id AS integer;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the archive of gate decisions is append-only'; END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gate_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
