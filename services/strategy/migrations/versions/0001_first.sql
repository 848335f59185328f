-- Strategy's tables on the day of this revision.
-- Frozen: a later change is a revision of its own, and a test compares what all of them leave with tables.py.

CREATE TABLE account (
    account_id text NOT NULL,
    customer_id text NOT NULL,
    version bigint NOT NULL,
    as_of date NOT NULL,
    product text NOT NULL,
    delinquent boolean NOT NULL,
    days_past_due integer NOT NULL,
    bucket text NOT NULL,
    arrears_minor bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    through text,
    PRIMARY KEY (account_id)
);
CREATE INDEX ix_account_customer_id ON account (customer_id);
COMMENT ON TABLE account IS 'Accounts that were ever delinquent, as ingest last described them.';
COMMENT ON COLUMN account.version IS 'of the status; an older one never replaces it';
COMMENT ON COLUMN account.through IS 'how the last delinquency ended';

CREATE TABLE case_file (
    case_id text NOT NULL,
    customer_id text NOT NULL,
    number integer NOT NULL,
    opened_on date NOT NULL,
    strategy text NOT NULL,
    strategy_version integer NOT NULL,
    closed_on date,
    reason text,
    PRIMARY KEY (case_id),
    UNIQUE (customer_id, number)
);
COMMENT ON TABLE case_file IS 'Cases, open and closed.';
COMMENT ON COLUMN case_file.number IS 'counts the customer''s cases from 1';
COMMENT ON COLUMN case_file.reason IS 'why it was closed';

CREATE TABLE customer (
    customer_id text NOT NULL,
    partition integer NOT NULL,
    next_decision_on date,
    PRIMARY KEY (customer_id)
);
CREATE INDEX customer_due ON customer (partition, next_decision_on, customer_id) WHERE next_decision_on IS NOT NULL;
COMMENT ON TABLE customer IS 'Customers who were ever delinquent, on hold or promised; the row that is locked for all of theirs.';
COMMENT ON COLUMN customer.partition IS 'of the customer''s topics: whose day end decides';
COMMENT ON COLUMN customer.next_decision_on IS 'first day whose end has something to decide';

CREATE TABLE day (
    partition integer NOT NULL,
    business_date date NOT NULL,
    source_shards integer NOT NULL,
    aged_by integer[] NOT NULL,
    decided boolean NOT NULL,
    PRIMARY KEY (partition, business_date)
);
CREATE INDEX day_undecided ON day (partition, business_date) WHERE NOT decided;
COMMENT ON TABLE day IS 'Business days as each partition saw them complete, and whether they are decided.';
COMMENT ON COLUMN day.aged_by IS 'ingest shards that finished the date';

CREATE TABLE hold (
    customer_id text NOT NULL,
    hold_id text NOT NULL,
    case_id text NOT NULL,
    kind text NOT NULL,
    placed_on date NOT NULL,
    until_on date,
    released_on date,
    PRIMARY KEY (customer_id, hold_id)
);
COMMENT ON TABLE hold IS 'Reasons not to treat a customer.';
COMMENT ON COLUMN hold.until_on IS 'its last day, if it has one';

CREATE TABLE promise (
    customer_id text NOT NULL,
    promise_id text NOT NULL,
    case_id text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    promised_on date NOT NULL,
    due_on date NOT NULL,
    judge_on date NOT NULL,
    threshold_minor bigint NOT NULL,
    accounts text[] NOT NULL,
    state text NOT NULL,
    paid_minor bigint NOT NULL,
    judged_on date,
    PRIMARY KEY (customer_id, promise_id)
);
COMMENT ON TABLE promise IS 'Promises to pay and how they ended.';
COMMENT ON COLUMN promise.judge_on IS 'due date and grace: judged when that day is complete';
COMMENT ON COLUMN promise.accounts IS 'delinquent when it was made; empty means all';

CREATE TABLE repayment (
    account_id text NOT NULL,
    repayment_id text NOT NULL,
    customer_id text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint,
    effective_on date,
    undone_minor bigint NOT NULL,
    PRIMARY KEY (account_id, repayment_id)
);
CREATE INDEX repayment_of_customer ON repayment (customer_id, effective_on);
COMMENT ON TABLE repayment IS 'Money that may count for a promise: on accounts that were ever delinquent.';
COMMENT ON COLUMN repayment.amount_minor IS 'null while only its undoing is known';
COMMENT ON COLUMN repayment.undone_minor IS 'taken back: zero or negative';

CREATE TABLE strategy_version (
    name text NOT NULL,
    version integer NOT NULL,
    document jsonb NOT NULL,
    in_use_since timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE strategy_version IS 'Every strategy version that was ever in use, as written.';

CREATE TABLE treatment (
    contact_id text NOT NULL,
    treatment_id text NOT NULL,
    customer_id text NOT NULL,
    case_id text NOT NULL,
    step text NOT NULL,
    sequence integer NOT NULL,
    channel text NOT NULL,
    template text NOT NULL,
    decided_on date NOT NULL,
    expires_at timestamptz NOT NULL,
    strategy text NOT NULL,
    strategy_version integer NOT NULL,
    rule text NOT NULL,
    inputs jsonb NOT NULL,
    state text NOT NULL,
    outcome text,
    attempted_on date,
    PRIMARY KEY (contact_id)
);
CREATE INDEX ix_treatment_customer_id ON treatment (customer_id);
COMMENT ON TABLE treatment IS 'Every decision that did something, with its reasons and the fate of the contact it asked for.';
COMMENT ON COLUMN treatment.sequence IS 'how often the case had taken the step, this time included';
COMMENT ON COLUMN treatment.rule IS 'the rule that made the decision, in words';
COMMENT ON COLUMN treatment.inputs IS 'the values the rule saw';
COMMENT ON COLUMN treatment.state IS 'what became of the contact';
COMMENT ON COLUMN treatment.outcome IS 'in contact''s word';
