-- The star schema, its views, what they mean, and the reader's grants on the day of this revision.
-- Frozen: a later change is a revision of its own, and a test compares what all of them leave with what tables and
-- views.py describe.

CREATE TABLE account_now (
    account_id text NOT NULL,
    valid_from date NOT NULL,
    customer_id text NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    version bigint NOT NULL,
    as_of date NOT NULL,
    days_past_due integer NOT NULL,
    bucket text NOT NULL,
    days_from integer NOT NULL,
    state text NOT NULL,
    delinquent boolean NOT NULL,
    exposure_minor bigint NOT NULL,
    arrears_minor bigint NOT NULL,
    balance_minor bigint GENERATED ALWAYS AS (CASE WHEN exposure_minor <> 0 THEN exposure_minor ELSE arrears_minor END) STORED NOT NULL,
    PRIMARY KEY (account_id)
)
 WITH (fillfactor = 70);

CREATE TABLE account_past (
    account_id text NOT NULL,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    customer_id text NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    version bigint NOT NULL,
    as_of date NOT NULL,
    days_past_due integer NOT NULL,
    bucket text NOT NULL,
    days_from integer NOT NULL,
    state text NOT NULL,
    delinquent boolean NOT NULL,
    exposure_minor bigint NOT NULL,
    arrears_minor bigint NOT NULL,
    balance_minor bigint GENERATED ALWAYS AS (CASE WHEN exposure_minor <> 0 THEN exposure_minor ELSE arrears_minor END) STORED NOT NULL,
    PRIMARY KEY (account_id, valid_from)
);
CREATE INDEX account_past_by_end ON account_past (valid_to);

CREATE TABLE business_day (
    business_date date NOT NULL,
    previous_date date,
    PRIMARY KEY (business_date)
);

CREATE TABLE contact_count (
    shard integer NOT NULL,
    requested_on date NOT NULL,
    currency text NOT NULL,
    channel text NOT NULL,
    rule text NOT NULL,
    requested bigint DEFAULT '0' NOT NULL,
    suppressed bigint DEFAULT '0' NOT NULL,
    attempted bigint DEFAULT '0' NOT NULL,
    delivered bigint DEFAULT '0' NOT NULL,
    failed bigint DEFAULT '0' NOT NULL,
    reached bigint DEFAULT '0' NOT NULL,
    right_party bigint DEFAULT '0' NOT NULL,
    promised bigint DEFAULT '0' NOT NULL,
    kept bigint DEFAULT '0' NOT NULL,
    broken bigint DEFAULT '0' NOT NULL,
    requested_minor bigint DEFAULT '0' NOT NULL,
    suppressed_minor bigint DEFAULT '0' NOT NULL,
    attempted_minor bigint DEFAULT '0' NOT NULL,
    delivered_minor bigint DEFAULT '0' NOT NULL,
    failed_minor bigint DEFAULT '0' NOT NULL,
    reached_minor bigint DEFAULT '0' NOT NULL,
    right_party_minor bigint DEFAULT '0' NOT NULL,
    promised_minor bigint DEFAULT '0' NOT NULL,
    kept_minor bigint DEFAULT '0' NOT NULL,
    broken_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (shard, requested_on, currency, channel, rule)
);

CREATE TABLE daily_bucket (
    business_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    state text NOT NULL,
    delinquent boolean NOT NULL,
    bucket text NOT NULL,
    days_from integer NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    balance_minor bigint DEFAULT '0' NOT NULL,
    exposure_minor bigint DEFAULT '0' NOT NULL,
    arrears_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (business_date, currency, product, state, delinquent, bucket, days_from)
);

CREATE TABLE daily_cure (
    business_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    through text NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    balance0_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (business_date, currency, product, through)
);

CREATE TABLE daily_move (
    business_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    state0 text NOT NULL,
    delinquent0 boolean NOT NULL,
    bucket0 text NOT NULL,
    days_from0 integer NOT NULL,
    state1 text NOT NULL,
    delinquent1 boolean NOT NULL,
    bucket1 text NOT NULL,
    days_from1 integer NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    balance0_minor bigint DEFAULT '0' NOT NULL,
    exposure0_minor bigint DEFAULT '0' NOT NULL,
    arrears0_minor bigint DEFAULT '0' NOT NULL,
    balance1_minor bigint DEFAULT '0' NOT NULL,
    exposure1_minor bigint DEFAULT '0' NOT NULL,
    arrears1_minor bigint DEFAULT '0' NOT NULL,
    applied_minor bigint DEFAULT '0' NOT NULL,
    newly_overdue_minor bigint DEFAULT '0' NOT NULL,
    otherwise_reduced_minor bigint DEFAULT '0' NOT NULL
);
CREATE INDEX daily_move_by_day ON daily_move (business_date);

CREATE TABLE daily_repaid (
    business_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    repayments bigint DEFAULT '0' NOT NULL,
    repaid_minor bigint DEFAULT '0' NOT NULL,
    returned_minor bigint DEFAULT '0' NOT NULL,
    applied_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (business_date, currency, product)
);

CREATE TABLE day_aged (
    business_date date NOT NULL,
    shard integer NOT NULL,
    source_shard integer NOT NULL,
    source_shards integer NOT NULL,
    PRIMARY KEY (business_date, shard, source_shard)
);

CREATE TABLE dim_account (
    account_id text NOT NULL,
    customer_id text NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    policy text NOT NULL,
    opened_on date NOT NULL,
    opened_month date NOT NULL,
    credit_minor bigint,
    branch text,
    region text,
    PRIMARY KEY (account_id)
);

CREATE TABLE dim_customer (
    customer_id text NOT NULL,
    revision bigint NOT NULL,
    language text NOT NULL,
    region text,
    time_zone text,
    PRIMARY KEY (customer_id)
);

CREATE TABLE fact_case (
    case_id text NOT NULL,
    customer_id text NOT NULL,
    opened_on date,
    closed_on date,
    close_reason text,
    strategy text,
    strategy_version integer,
    arm text,
    PRIMARY KEY (case_id)
);

CREATE TABLE fact_contact (
    contact_id text NOT NULL,
    customer_id text,
    case_id text,
    channel text,
    template text,
    purpose text,
    currency text,
    arrears_minor bigint,
    days_past_due integer,
    requested_on date,
    attempted_on date,
    delivered_on date,
    failed_on date,
    failure text,
    suppressed_on date,
    suppressed_rule text,
    right_party_on date,
    promised_on date,
    promise_outcome text,
    PRIMARY KEY (contact_id)
);
CREATE INDEX fact_contact_by_day ON fact_contact (requested_on);

CREATE TABLE fact_cure (
    account_id text NOT NULL,
    version bigint NOT NULL,
    booked_on date NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    through text NOT NULL,
    PRIMARY KEY (account_id, version)
);
CREATE INDEX fact_cure_by_day ON fact_cure (booked_on);

CREATE TABLE fact_promise (
    promise_id text NOT NULL,
    customer_id text NOT NULL,
    case_id text,
    contact_id text,
    currency text NOT NULL,
    promised_minor bigint NOT NULL,
    promised_on date NOT NULL,
    due_on date NOT NULL,
    outcome text,
    judged_on date,
    paid_minor bigint,
    PRIMARY KEY (promise_id)
);

CREATE TABLE fact_repayment_applied (
    account_id text NOT NULL,
    version bigint NOT NULL,
    booked_on date NOT NULL,
    repayment_id text NOT NULL,
    product text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    applied_minor bigint NOT NULL,
    effective_on date NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (account_id, version)
);
CREATE INDEX fact_repayment_applied_by_day ON fact_repayment_applied (booked_on);

CREATE TABLE fact_treatment (
    treatment_id text NOT NULL,
    case_id text NOT NULL,
    customer_id text NOT NULL,
    decided_on date NOT NULL,
    step text NOT NULL,
    rule text NOT NULL,
    strategy text NOT NULL,
    strategy_version integer NOT NULL,
    channel text,
    PRIMARY KEY (treatment_id)
);
CREATE INDEX fact_treatment_by_day ON fact_treatment (decided_on);

CREATE TABLE monthly_cure (
    from_date date NOT NULL,
    to_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    through text NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    balance0_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (from_date, to_date, currency, product, through)
);

CREATE TABLE monthly_roll (
    from_date date NOT NULL,
    to_date date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    from_bucket text NOT NULL,
    to_bucket text NOT NULL,
    from_days integer NOT NULL,
    to_days integer NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    balance_minor bigint DEFAULT '0' NOT NULL,
    balance_to_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (from_date, to_date, currency, product, from_bucket, to_bucket)
);

CREATE TABLE opened_count (
    shard integer NOT NULL,
    opened_on date NOT NULL,
    currency text NOT NULL,
    product text NOT NULL,
    accounts bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (shard, opened_on, currency, product)
);

CREATE TABLE promise_count (
    shard integer NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    made bigint DEFAULT '0' NOT NULL,
    made_minor bigint DEFAULT '0' NOT NULL,
    kept bigint DEFAULT '0' NOT NULL,
    broken bigint DEFAULT '0' NOT NULL,
    judged_minor bigint DEFAULT '0' NOT NULL,
    paid_minor bigint DEFAULT '0' NOT NULL,
    PRIMARY KEY (shard, day, currency)
);

CREATE VIEW account_period AS SELECT account_id, customer_id, product, currency, version, as_of, days_past_due, bucket, days_from, state, delinquent, exposure_minor, arrears_minor, balance_minor, valid_from, valid_to FROM account_past WHERE state <> 'new'
UNION ALL
SELECT account_id, customer_id, product, currency, version, as_of, days_past_due, bucket, days_from, state, delinquent, exposure_minor, arrears_minor, balance_minor, valid_from, 'infinity' FROM account_now;

CREATE VIEW unassessed_daily AS WITH change AS (
    SELECT opened_on AS day, currency, product, sum(accounts) AS accounts, false AS at_close
    FROM opened_count GROUP BY opened_on, currency, product
    UNION ALL
    SELECT d.business_date, k.currency, k.product, 0, true
    FROM business_day AS d CROSS JOIN (SELECT DISTINCT currency, product FROM opened_count) AS k
), opened AS (
    SELECT day, currency, product, at_close,
           sum(accounts) OVER (PARTITION BY currency, product ORDER BY day, at_close) AS accounts
    FROM change
), assessed AS (
    SELECT business_date, currency, product, sum(accounts) AS accounts
    FROM daily_bucket GROUP BY business_date, currency, product
)
SELECT o.day AS business_date, o.currency, o.product, (o.accounts - coalesce(a.accounts, 0))::bigint AS accounts
FROM opened AS o
LEFT JOIN assessed AS a ON (a.business_date, a.currency, a.product) = (o.day, o.currency, o.product)
WHERE o.at_close AND o.accounts > coalesce(a.accounts, 0);

CREATE VIEW portfolio_daily AS SELECT business_date, currency, product, state, delinquent, bucket, days_from, accounts, balance_minor,
       exposure_minor, arrears_minor
FROM daily_bucket
UNION ALL
SELECT business_date, currency, product, 'open', false, 'current', 0, accounts, 0, 0, 0 FROM unassessed_daily;

CREATE VIEW delinquency_daily AS SELECT p.business_date, p.currency, p.product, t.threshold,
       coalesce(sum(p.accounts) FILTER (WHERE p.days_from >= t.threshold), 0) AS delinquent_accounts,
       sum(p.accounts) AS accounts,
       coalesce(sum(p.balance_minor) FILTER (WHERE p.days_from >= t.threshold), 0) AS delinquent_minor,
       sum(p.balance_minor) AS balance_minor
FROM portfolio_daily AS p CROSS JOIN (VALUES (1), (30), (60), (90)) AS t (threshold)
WHERE p.state = 'open'
GROUP BY p.business_date, p.currency, p.product, t.threshold;

CREATE FUNCTION account_at(account text, day date) RETURNS TABLE (state text, delinquent boolean, bucket text, days_from integer, balance_minor bigint, exposure_minor bigint, arrears_minor bigint) LANGUAGE sql STABLE AS $body$ SELECT state, delinquent, bucket, days_from, balance_minor, exposure_minor, arrears_minor
FROM account_now WHERE account_id = account AND valid_from <= day
UNION ALL
SELECT state, delinquent, bucket, days_from, balance_minor, exposure_minor, arrears_minor
FROM (SELECT * FROM account_past WHERE account_id = account AND valid_from <= day
      ORDER BY valid_from DESC LIMIT 1) AS latest
WHERE valid_to > day AND state <> 'new' $body$;

CREATE VIEW monthly_roll_cells AS SELECT from_date, to_date, currency, product, from_bucket, to_bucket, from_days, to_days, accounts,
       balance_minor, balance_to_minor
FROM monthly_roll;

CREATE FUNCTION roll_matrix(t0 date, t1 date) RETURNS TABLE (from_date date, to_date date, currency text, product text, from_bucket text, to_bucket text, from_days integer, to_days integer, accounts bigint, balance_minor bigint, balance_to_minor bigint) LANGUAGE plpgsql STABLE AS $body$ #variable_conflict use_column
BEGIN
    t0 := (SELECT max(business_date) FROM business_day WHERE business_date <= t0);
    t1 := (SELECT max(business_date) FROM business_day WHERE business_date <= t1);
    RETURN QUERY SELECT m.* FROM monthly_roll_cells AS m WHERE m.from_date = t0 AND m.to_date = t1;
    IF NOT FOUND THEN
        RETURN QUERY
        WITH move (currency, product, place0, order0, place1, order1, accounts, balance0, balance1) AS (
            SELECT p.currency, p.product, CASE p.state WHEN 'open' THEN p.bucket ELSE p.state END,
             CASE p.state WHEN 'open' THEN p.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, CASE n.state WHEN 'open' THEN n.bucket ELSE n.state END,
             CASE n.state WHEN 'open' THEN n.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, 1, p.balance_minor, n.balance_minor
            FROM account_past AS p CROSS JOIN LATERAL account_at(p.account_id, t1) AS n
            WHERE p.valid_from <= t0 AND p.valid_to > t0 AND p.valid_to <= t1
        ), stood (currency, product, place0, order0, accounts, balance0) AS (
            SELECT b.currency, b.product, CASE b.state WHEN 'open' THEN b.bucket ELSE b.state END,
             CASE b.state WHEN 'open' THEN b.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, b.accounts, b.balance_minor
            FROM daily_bucket AS b WHERE b.business_date = t0
        ), counted AS (SELECT currency, product, from_bucket, to_bucket, from_days, to_days, sum(accounts)::bigint AS accounts,
       sum(balance)::bigint AS balance_minor, sum(balance_to)::bigint AS balance_to_minor
FROM (SELECT currency, product, place0 AS from_bucket, place1 AS to_bucket, order0 AS from_days, order1 AS to_days, accounts,
             balance0 AS balance, balance1 AS balance_to
      FROM move
      UNION ALL
      SELECT currency, product, place0, place0, order0, order0, -accounts, -balance0, -balance0 FROM move WHERE place0 <> 'new'
      UNION ALL
      SELECT currency, product, place0, place0, order0, order0, accounts, balance0, balance0 FROM stood) AS cell
GROUP BY currency, product, from_bucket, to_bucket, from_days, to_days HAVING sum(accounts) <> 0)
        SELECT t0, t1, c.* FROM counted AS c;
    END IF;
END $body$;

CREATE VIEW roll_daily AS WITH move (business_date, currency, product, place0, order0, place1, order1, accounts, balance0, balance1) AS (
    SELECT m.business_date, m.currency, m.product, CASE p.state WHEN 'open' THEN p.bucket ELSE p.state END,
             CASE p.state WHEN 'open' THEN p.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, CASE n.state WHEN 'open' THEN n.bucket ELSE n.state END,
             CASE n.state WHEN 'open' THEN n.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, m.accounts, m.balance0_minor,
           m.balance1_minor
    FROM daily_move AS m, LATERAL (SELECT m.state0 AS state, m.bucket0 AS bucket, m.days_from0 AS days_from) AS p,
         LATERAL (SELECT m.state1 AS state, m.bucket1 AS bucket, m.days_from1 AS days_from) AS n
), stood (business_date, currency, product, place0, order0, accounts, balance0) AS (
    SELECT d.business_date, b.currency, b.product, CASE b.state WHEN 'open' THEN b.bucket ELSE b.state END,
             CASE b.state WHEN 'open' THEN b.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END, b.accounts, b.balance_minor
    FROM business_day AS d JOIN daily_bucket AS b ON b.business_date = d.previous_date
)
SELECT business_date, currency, product, from_bucket, to_bucket, from_days, to_days, sum(accounts)::bigint AS accounts,
       sum(balance)::bigint AS balance_minor, sum(balance_to)::bigint AS balance_to_minor
FROM (SELECT business_date, currency, product, place0 AS from_bucket, place1 AS to_bucket, order0 AS from_days, order1 AS to_days, accounts,
             balance0 AS balance, balance1 AS balance_to
      FROM move
      UNION ALL
      SELECT business_date, currency, product, place0, place0, order0, order0, -accounts, -balance0, -balance0 FROM move WHERE place0 <> 'new'
      UNION ALL
      SELECT business_date, currency, product, place0, place0, order0, order0, accounts, balance0, balance0 FROM stood) AS cell
GROUP BY business_date, currency, product, from_bucket, to_bucket, from_days, to_days HAVING sum(accounts) <> 0;

CREATE VIEW cure_daily AS SELECT l.business_date, l.currency, l.product, l.accounts AS delinquent_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_accounts,
       l.balance_minor AS delinquent_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_minor
FROM (SELECT d.business_date, b.currency, b.product, sum(b.accounts)::bigint AS accounts,
             sum(b.balance_minor)::bigint AS balance_minor
      FROM business_day AS d JOIN daily_bucket AS b ON b.business_date = d.previous_date
      WHERE b.delinquent GROUP BY d.business_date, b.currency, b.product) AS l
LEFT JOIN daily_cure AS c USING (business_date, currency, product)
GROUP BY l.business_date, l.currency, l.product, l.accounts, l.balance_minor;

CREATE VIEW cure_monthly AS SELECT l.from_date, l.to_date, l.currency, l.product, l.accounts AS delinquent_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_accounts,
       l.balance_minor AS delinquent_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_minor
FROM (SELECT m.from_date, m.to_date, b.currency, b.product, sum(b.accounts)::bigint AS accounts,
             sum(b.balance_minor)::bigint AS balance_minor
      FROM (SELECT DISTINCT from_date, to_date FROM monthly_roll) AS m
      JOIN daily_bucket AS b ON b.business_date = m.from_date
      WHERE b.delinquent GROUP BY m.from_date, m.to_date, b.currency, b.product) AS l
LEFT JOIN monthly_cure AS c USING (from_date, to_date, currency, product)
GROUP BY l.from_date, l.to_date, l.currency, l.product, l.accounts, l.balance_minor;

CREATE VIEW flow_monthly AS SELECT m.from_date, m.to_date, b.currency, b.product, s.from_bucket, s.to_bucket, s.step,
       coalesce(sum(b.accounts) FILTER (WHERE b.business_date = m.from_date), 0)::bigint AS from_accounts,
       coalesce(sum(b.accounts) FILTER (WHERE b.business_date = m.to_date), 0)::bigint AS to_accounts,
       coalesce(sum(b.balance_minor) FILTER (WHERE b.business_date = m.from_date), 0)::bigint AS from_minor,
       coalesce(sum(b.balance_minor) FILTER (WHERE b.business_date = m.to_date), 0)::bigint AS to_minor
FROM (SELECT DISTINCT from_date, to_date FROM monthly_roll) AS m
CROSS JOIN (VALUES ('current', '1-29', 0), ('1-29', '30-59', 1), ('30-59', '60-89', 2), ('60-89', '90-119', 3), ('90-119', '120-149', 4), ('120-149', '150-179', 5), ('150-179', '180+', 6), ('M0', 'M1', 0), ('M1', 'M2', 1), ('M2', 'M3', 2), ('M3', 'M4', 3), ('M4', 'M5', 4), ('M5', 'M6', 5), ('M6', 'M7', 6)) AS s (from_bucket, to_bucket, step)
JOIN daily_bucket AS b ON b.state = 'open'
     AND ((b.business_date = m.from_date AND b.bucket = s.from_bucket)
          OR (b.business_date = m.to_date AND b.bucket = s.to_bucket))
GROUP BY m.from_date, m.to_date, b.currency, b.product, s.from_bucket, s.to_bucket, s.step;

CREATE VIEW recovery_daily AS SELECT business_date, currency, product, sum(repayments)::bigint AS repayments,
       sum(repaid)::bigint AS repaid_minor, sum(returned)::bigint AS returned_minor,
       sum(applied)::bigint AS applied_minor, sum(opening)::bigint AS opening_arrears_minor,
       sum(newly)::bigint AS newly_overdue_minor, sum(otherwise)::bigint AS otherwise_reduced_minor,
       sum(opening + newly - applied - otherwise)::bigint AS closing_arrears_minor
FROM (SELECT business_date, currency, product, repayments, repaid_minor AS repaid, returned_minor AS returned,
             applied_minor AS applied, 0 AS opening, 0 AS newly, 0 AS otherwise
      FROM daily_repaid
      UNION ALL
      SELECT d.business_date, b.currency, b.product, 0, 0, 0, 0, b.arrears_minor, 0, 0
      FROM business_day AS d JOIN daily_bucket AS b ON b.business_date = d.previous_date
      UNION ALL
      SELECT business_date, currency, product, 0, 0, 0, 0, 0, newly_overdue_minor, otherwise_reduced_minor
      FROM daily_move) AS part
GROUP BY business_date, currency, product;

CREATE VIEW contact_daily AS SELECT requested_on, currency, channel, rule, sum(requested)::bigint AS requested, sum(suppressed)::bigint AS suppressed, sum(attempted)::bigint AS attempted, sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed, sum(reached)::bigint AS reached, sum(right_party)::bigint AS right_party, sum(promised)::bigint AS promised, sum(kept)::bigint AS kept, sum(broken)::bigint AS broken, sum(requested_minor)::bigint AS requested_minor, sum(suppressed_minor)::bigint AS suppressed_minor, sum(attempted_minor)::bigint AS attempted_minor, sum(delivered_minor)::bigint AS delivered_minor, sum(failed_minor)::bigint AS failed_minor, sum(reached_minor)::bigint AS reached_minor, sum(right_party_minor)::bigint AS right_party_minor, sum(promised_minor)::bigint AS promised_minor, sum(kept_minor)::bigint AS kept_minor, sum(broken_minor)::bigint AS broken_minor
FROM contact_count GROUP BY requested_on, currency, channel, rule HAVING sum(requested) > 0;

CREATE VIEW suppression_daily AS SELECT requested_on, currency, channel, rule, suppressed, suppressed_minor
FROM contact_daily WHERE suppressed > 0;

CREATE VIEW promise_daily AS SELECT day, currency, sum(made)::bigint AS made, sum(kept)::bigint AS kept, sum(broken)::bigint AS broken,
       sum(made_minor)::bigint AS made_minor, sum(judged_minor)::bigint AS judged_minor,
       sum(paid_minor)::bigint AS paid_minor
FROM promise_count GROUP BY day, currency HAVING sum(made + kept + broken) > 0;

CREATE VIEW repayment_applied_by_day AS SELECT d.business_date, r.* FROM fact_repayment_applied AS r
JOIN business_day AS d ON r.booked_on <= d.business_date
     AND r.booked_on > coalesce(d.previous_date, '-infinity');

COMMENT ON TABLE account_now IS 'The present status of every assessed account, before the next close too.';
COMMENT ON COLUMN account_now.account_id IS 'account';
COMMENT ON COLUMN account_now.valid_from IS 'first day whose close counts it; 1900-01-01 before the first close';
COMMENT ON COLUMN account_now.customer_id IS 'owner';
COMMENT ON COLUMN account_now.product IS 'product name';
COMMENT ON COLUMN account_now.currency IS 'ISO 4217 code';
COMMENT ON COLUMN account_now.version IS 'version of the status, counted per account';
COMMENT ON COLUMN account_now.as_of IS 'date ingest assessed the account for';
COMMENT ON COLUMN account_now.days_past_due IS 'days past due at as_of';
COMMENT ON COLUMN account_now.bucket IS 'bucket of the account''s policy';
COMMENT ON COLUMN account_now.days_from IS 'first day past due of the bucket; 30+ means days_from >= 30';
COMMENT ON COLUMN account_now.state IS 'open, written-off or closed; new before the first status';
COMMENT ON COLUMN account_now.delinquent IS 'counts as delinquent under the policy''s materiality test';
COMMENT ON COLUMN account_now.exposure_minor IS 'total exposure as reported';
COMMENT ON COLUMN account_now.arrears_minor IS 'due and unpaid';
COMMENT ON COLUMN account_now.balance_minor IS 'B of the metrics: exposure, or arrears where no exposure is reported';
COMMENT ON TABLE account_past IS 'Every status that held at the close of some day and no longer does; rows are only inserted.';
COMMENT ON COLUMN account_past.account_id IS 'account';
COMMENT ON COLUMN account_past.valid_from IS 'first day whose close counted it';
COMMENT ON COLUMN account_past.valid_to IS 'first day whose close no longer did';
COMMENT ON COLUMN account_past.customer_id IS 'owner';
COMMENT ON COLUMN account_past.product IS 'product name';
COMMENT ON COLUMN account_past.currency IS 'ISO 4217 code';
COMMENT ON COLUMN account_past.version IS 'version of the status, counted per account';
COMMENT ON COLUMN account_past.as_of IS 'date ingest assessed the account for';
COMMENT ON COLUMN account_past.days_past_due IS 'days past due at as_of';
COMMENT ON COLUMN account_past.bucket IS 'bucket of the account''s policy';
COMMENT ON COLUMN account_past.days_from IS 'first day past due of the bucket; 30+ means days_from >= 30';
COMMENT ON COLUMN account_past.state IS 'open, written-off or closed; new before the first status';
COMMENT ON COLUMN account_past.delinquent IS 'counts as delinquent under the policy''s materiality test';
COMMENT ON COLUMN account_past.exposure_minor IS 'total exposure as reported';
COMMENT ON COLUMN account_past.arrears_minor IS 'due and unpaid';
COMMENT ON COLUMN account_past.balance_minor IS 'B of the metrics: exposure, or arrears where no exposure is reported';
COMMENT ON TABLE business_day IS 'The days figures exist for.';
COMMENT ON COLUMN business_day.business_date IS 'a closed day that is complete: every ingest shard has aged every partition to it';
COMMENT ON COLUMN business_day.previous_date IS 'the complete day before it; null for the first';
COMMENT ON TABLE contact_count IS 'Contact funnel per day of request, a row a shard.';
COMMENT ON COLUMN contact_count.shard IS 'partition';
COMMENT ON COLUMN contact_count.requested_on IS 'date the contacts were requested';
COMMENT ON COLUMN contact_count.currency IS 'currency of the arrears';
COMMENT ON COLUMN contact_count.channel IS 'channel';
COMMENT ON COLUMN contact_count.rule IS 'rule that suppressed them; empty when none did';
COMMENT ON COLUMN contact_count.requested IS 'contacts requested';
COMMENT ON COLUMN contact_count.suppressed IS 'contacts suppressed';
COMMENT ON COLUMN contact_count.attempted IS 'contacts attempted';
COMMENT ON COLUMN contact_count.delivered IS 'contacts delivered';
COMMENT ON COLUMN contact_count.failed IS 'contacts failed';
COMMENT ON COLUMN contact_count.reached IS 'contacts reached';
COMMENT ON COLUMN contact_count.right_party IS 'contacts right party';
COMMENT ON COLUMN contact_count.promised IS 'contacts promised';
COMMENT ON COLUMN contact_count.kept IS 'contacts kept';
COMMENT ON COLUMN contact_count.broken IS 'contacts broken';
COMMENT ON COLUMN contact_count.requested_minor IS 'arrears of the contacts requested';
COMMENT ON COLUMN contact_count.suppressed_minor IS 'arrears of the contacts suppressed';
COMMENT ON COLUMN contact_count.attempted_minor IS 'arrears of the contacts attempted';
COMMENT ON COLUMN contact_count.delivered_minor IS 'arrears of the contacts delivered';
COMMENT ON COLUMN contact_count.failed_minor IS 'arrears of the contacts failed';
COMMENT ON COLUMN contact_count.reached_minor IS 'arrears of the contacts reached';
COMMENT ON COLUMN contact_count.right_party_minor IS 'arrears of the contacts right party';
COMMENT ON COLUMN contact_count.promised_minor IS 'arrears of the contacts promised';
COMMENT ON COLUMN contact_count.kept_minor IS 'arrears of the contacts kept';
COMMENT ON COLUMN contact_count.broken_minor IS 'arrears of the contacts broken';
COMMENT ON TABLE daily_bucket IS 'Assessed accounts at the close of each day.';
COMMENT ON COLUMN daily_bucket.business_date IS 'closed day';
COMMENT ON COLUMN daily_bucket.currency IS 'ISO 4217 code';
COMMENT ON COLUMN daily_bucket.product IS 'product name';
COMMENT ON COLUMN daily_bucket.state IS 'open, written-off or closed';
COMMENT ON COLUMN daily_bucket.delinquent IS 'delinquent under the policy';
COMMENT ON COLUMN daily_bucket.bucket IS 'bucket';
COMMENT ON COLUMN daily_bucket.days_from IS 'first day past due of the bucket';
COMMENT ON COLUMN daily_bucket.accounts IS 'accounts assessed';
COMMENT ON COLUMN daily_bucket.balance_minor IS 'their B: exposure, or arrears where none is reported';
COMMENT ON COLUMN daily_bucket.exposure_minor IS 'their exposure';
COMMENT ON COLUMN daily_bucket.arrears_minor IS 'their arrears';
COMMENT ON TABLE daily_cure IS 'Cures a day.';
COMMENT ON COLUMN daily_cure.business_date IS 'closed day';
COMMENT ON COLUMN daily_cure.currency IS 'ISO 4217 code';
COMMENT ON COLUMN daily_cure.product IS 'product name';
COMMENT ON COLUMN daily_cure.through IS 'how they cured';
COMMENT ON COLUMN daily_cure.accounts IS 'accounts delinquent at the previous close that cured by this one';
COMMENT ON COLUMN daily_cure.balance0_minor IS 'their B at the previous close';
COMMENT ON TABLE daily_move IS 'What changed between two closes, by where accounts came from and went to.';
COMMENT ON COLUMN daily_move.business_date IS 'closed day at which the change first counts';
COMMENT ON COLUMN daily_move.currency IS 'ISO 4217 code';
COMMENT ON COLUMN daily_move.product IS 'product name';
COMMENT ON COLUMN daily_move.state0 IS 'state at the previous close; new when the account was not assessed then';
COMMENT ON COLUMN daily_move.delinquent0 IS 'delinquent at the previous close';
COMMENT ON COLUMN daily_move.bucket0 IS 'bucket at the previous close';
COMMENT ON COLUMN daily_move.days_from0 IS 'first day past due of that bucket';
COMMENT ON COLUMN daily_move.state1 IS 'state at this close';
COMMENT ON COLUMN daily_move.delinquent1 IS 'delinquent at this close';
COMMENT ON COLUMN daily_move.bucket1 IS 'bucket at this close';
COMMENT ON COLUMN daily_move.days_from1 IS 'first day past due of that bucket';
COMMENT ON COLUMN daily_move.accounts IS 'accounts with a new status, those staying in their bucket too';
COMMENT ON COLUMN daily_move.balance0_minor IS 'their B at the previous close';
COMMENT ON COLUMN daily_move.exposure0_minor IS 'their exposure then';
COMMENT ON COLUMN daily_move.arrears0_minor IS 'their arrears then';
COMMENT ON COLUMN daily_move.balance1_minor IS 'their B at this close';
COMMENT ON COLUMN daily_move.exposure1_minor IS 'their exposure now';
COMMENT ON COLUMN daily_move.arrears1_minor IS 'their arrears now';
COMMENT ON COLUMN daily_move.applied_minor IS 'repayments applied to arrears that day, net of what went back';
COMMENT ON COLUMN daily_move.newly_overdue_minor IS 'arrears that arose otherwise';
COMMENT ON COLUMN daily_move.otherwise_reduced_minor IS 'arrears that fell otherwise: adjusted, cancelled, re-aged, closed';
COMMENT ON TABLE daily_repaid IS 'Money received a day.';
COMMENT ON COLUMN daily_repaid.business_date IS 'closed day that counts the money first';
COMMENT ON COLUMN daily_repaid.currency IS 'ISO 4217 code';
COMMENT ON COLUMN daily_repaid.product IS 'product name';
COMMENT ON COLUMN daily_repaid.repayments IS 'repayments received';
COMMENT ON COLUMN daily_repaid.repaid_minor IS 'money received';
COMMENT ON COLUMN daily_repaid.returned_minor IS 'money that went back by reversal or chargeback';
COMMENT ON COLUMN daily_repaid.applied_minor IS 'applied to arrears, net of what went back';
COMMENT ON TABLE day_aged IS 'Which ingest shard has closed which day on which partition.';
COMMENT ON COLUMN day_aged.business_date IS 'the day';
COMMENT ON COLUMN day_aged.shard IS 'partition of delinquency.status';
COMMENT ON COLUMN day_aged.source_shard IS 'ingest shard that has aged its accounts to the day';
COMMENT ON COLUMN day_aged.source_shards IS 'how many ingest shards there are';
COMMENT ON TABLE dim_account IS 'One row an account opened.';
COMMENT ON COLUMN dim_account.account_id IS 'core banking''s id';
COMMENT ON COLUMN dim_account.customer_id IS 'owner';
COMMENT ON COLUMN dim_account.product IS 'product name';
COMMENT ON COLUMN dim_account.currency IS 'ISO 4217 code of every amount of the account';
COMMENT ON COLUMN dim_account.policy IS 'policy pack by which the account ages';
COMMENT ON COLUMN dim_account.opened_on IS 'opening date';
COMMENT ON COLUMN dim_account.opened_month IS 'first day of the opening month: the vintage';
COMMENT ON COLUMN dim_account.credit_minor IS 'credit limit or principal';
COMMENT ON COLUMN dim_account.branch IS 'branch, where told';
COMMENT ON COLUMN dim_account.region IS 'region, where told';
COMMENT ON TABLE dim_customer IS 'One row a customer. No names and no contact points: those stay with the contact service.';
COMMENT ON COLUMN dim_customer.customer_id IS 'core banking''s id';
COMMENT ON COLUMN dim_customer.revision IS 'revision of the row; the highest wins';
COMMENT ON COLUMN dim_customer.language IS 'language the customer is addressed in';
COMMENT ON COLUMN dim_customer.region IS 'region, where told';
COMMENT ON COLUMN dim_customer.time_zone IS 'time zone, where told';
COMMENT ON TABLE fact_case IS 'One row a case: all collection work on one customer over one spell of delinquency.';
COMMENT ON COLUMN fact_case.case_id IS 'case';
COMMENT ON COLUMN fact_case.customer_id IS 'customer';
COMMENT ON COLUMN fact_case.opened_on IS 'date the customer became delinquent';
COMMENT ON COLUMN fact_case.closed_on IS 'date work ended';
COMMENT ON COLUMN fact_case.close_reason IS 'cured, closed, written_off, ...';
COMMENT ON COLUMN fact_case.strategy IS 'strategy that treats it';
COMMENT ON COLUMN fact_case.strategy_version IS 'its version';
COMMENT ON COLUMN fact_case.arm IS 'experiment arm, if any';
COMMENT ON TABLE fact_contact IS 'One row a contact with the stages of the funnel it reached.';
COMMENT ON COLUMN fact_contact.contact_id IS 'one request, at most one message or call';
COMMENT ON COLUMN fact_contact.customer_id IS 'customer';
COMMENT ON COLUMN fact_contact.case_id IS 'case it belongs to';
COMMENT ON COLUMN fact_contact.channel IS 'sms, email, call or letter';
COMMENT ON COLUMN fact_contact.template IS 'what was to be said';
COMMENT ON COLUMN fact_contact.purpose IS 'collection, ...';
COMMENT ON COLUMN fact_contact.currency IS 'currency of arrears_minor: the first, where a case owes in several';
COMMENT ON COLUMN fact_contact.arrears_minor IS 'arrears of the case when the contact was requested';
COMMENT ON COLUMN fact_contact.days_past_due IS 'highest days past due of the case then';
COMMENT ON COLUMN fact_contact.requested_on IS 'date (UTC) strategy asked for it';
COMMENT ON COLUMN fact_contact.attempted_on IS 'date it was handed to the provider or the call was placed';
COMMENT ON COLUMN fact_contact.delivered_on IS 'date the provider reported delivery';
COMMENT ON COLUMN fact_contact.failed_on IS 'date the provider gave up';
COMMENT ON COLUMN fact_contact.failure IS 'why it failed';
COMMENT ON COLUMN fact_contact.suppressed_on IS 'date the gate refused it';
COMMENT ON COLUMN fact_contact.suppressed_rule IS 'first rule that refused it';
COMMENT ON COLUMN fact_contact.right_party_on IS 'date the customer, not somebody else, was spoken to';
COMMENT ON COLUMN fact_contact.promised_on IS 'date the customer promised to pay in it';
COMMENT ON COLUMN fact_contact.promise_outcome IS 'kept or broken, once judged';
COMMENT ON TABLE fact_cure IS 'One row each time an account stopped being delinquent.';
COMMENT ON COLUMN fact_cure.account_id IS 'account';
COMMENT ON COLUMN fact_cure.version IS 'version of the status that says so';
COMMENT ON COLUMN fact_cure.booked_on IS 'first day whose close counts it';
COMMENT ON COLUMN fact_cure.product IS 'product name';
COMMENT ON COLUMN fact_cure.currency IS 'ISO 4217 code';
COMMENT ON COLUMN fact_cure.through IS 'repayment, reage, adjustment, closure, ...';
COMMENT ON TABLE fact_promise IS 'One row a promise to pay.';
COMMENT ON COLUMN fact_promise.promise_id IS 'promise';
COMMENT ON COLUMN fact_promise.customer_id IS 'customer';
COMMENT ON COLUMN fact_promise.case_id IS 'case';
COMMENT ON COLUMN fact_promise.contact_id IS 'contact in which it was made';
COMMENT ON COLUMN fact_promise.currency IS 'ISO 4217 code';
COMMENT ON COLUMN fact_promise.promised_minor IS 'promised amount';
COMMENT ON COLUMN fact_promise.promised_on IS 'date of the promise';
COMMENT ON COLUMN fact_promise.due_on IS 'promised date';
COMMENT ON COLUMN fact_promise.outcome IS 'kept or broken, once judged';
COMMENT ON COLUMN fact_promise.judged_on IS 'date of the latest verdict';
COMMENT ON COLUMN fact_promise.paid_minor IS 'net repayments that counted towards it';
COMMENT ON TABLE fact_repayment_applied IS 'One row each time a repayment, a reversal or a chargeback was applied.';
COMMENT ON COLUMN fact_repayment_applied.account_id IS 'account';
COMMENT ON COLUMN fact_repayment_applied.version IS 'version of the status that came with it';
COMMENT ON COLUMN fact_repayment_applied.booked_on IS 'first day whose close counts it';
COMMENT ON COLUMN fact_repayment_applied.repayment_id IS 'the repayment, its reversal or its chargeback';
COMMENT ON COLUMN fact_repayment_applied.product IS 'product name';
COMMENT ON COLUMN fact_repayment_applied.currency IS 'ISO 4217 code';
COMMENT ON COLUMN fact_repayment_applied.amount_minor IS 'money received; negative when it went back';
COMMENT ON COLUMN fact_repayment_applied.applied_minor IS 'how much arrears fell by it; negative when they rose';
COMMENT ON COLUMN fact_repayment_applied.effective_on IS 'value date';
COMMENT ON COLUMN fact_repayment_applied.state IS 'state of the account when it was applied';
COMMENT ON TABLE fact_treatment IS 'One row a treatment decided.';
COMMENT ON COLUMN fact_treatment.treatment_id IS 'treatment';
COMMENT ON COLUMN fact_treatment.case_id IS 'case';
COMMENT ON COLUMN fact_treatment.customer_id IS 'customer';
COMMENT ON COLUMN fact_treatment.decided_on IS 'date of the decision';
COMMENT ON COLUMN fact_treatment.step IS 'step of the strategy';
COMMENT ON COLUMN fact_treatment.rule IS 'rule that chose it';
COMMENT ON COLUMN fact_treatment.strategy IS 'strategy';
COMMENT ON COLUMN fact_treatment.strategy_version IS 'its version';
COMMENT ON COLUMN fact_treatment.channel IS 'channel, where it is a contact';
COMMENT ON TABLE monthly_cure IS 'Cures from month end to month end.';
COMMENT ON COLUMN monthly_cure.from_date IS 'last closed day of the month before';
COMMENT ON COLUMN monthly_cure.to_date IS 'last closed day of the month';
COMMENT ON COLUMN monthly_cure.currency IS 'ISO 4217 code';
COMMENT ON COLUMN monthly_cure.product IS 'product name';
COMMENT ON COLUMN monthly_cure.through IS 'how they cured';
COMMENT ON COLUMN monthly_cure.accounts IS 'accounts delinquent at from_date that cured by to_date';
COMMENT ON COLUMN monthly_cure.balance0_minor IS 'their B at from_date';
COMMENT ON TABLE monthly_roll IS 'Roll matrix from month end to month end.';
COMMENT ON COLUMN monthly_roll.from_date IS 'last closed day of the month before';
COMMENT ON COLUMN monthly_roll.to_date IS 'last closed day of the month';
COMMENT ON COLUMN monthly_roll.currency IS 'ISO 4217 code';
COMMENT ON COLUMN monthly_roll.product IS 'product name';
COMMENT ON COLUMN monthly_roll.from_bucket IS 'bucket, closed, written-off, or new when not assessed at from_date';
COMMENT ON COLUMN monthly_roll.to_bucket IS 'bucket, closed or written-off';
COMMENT ON COLUMN monthly_roll.from_days IS 'first day past due of from_bucket; -1 for new, 100000 and 100001 for the states';
COMMENT ON COLUMN monthly_roll.to_days IS 'the same of to_bucket';
COMMENT ON COLUMN monthly_roll.accounts IS 'accounts';
COMMENT ON COLUMN monthly_roll.balance_minor IS 'their B at from_date';
COMMENT ON COLUMN monthly_roll.balance_to_minor IS 'their B at to_date';
COMMENT ON TABLE opened_count IS 'Accounts opened per day, a row a shard.';
COMMENT ON COLUMN opened_count.shard IS 'partition of banking.accounts';
COMMENT ON COLUMN opened_count.opened_on IS 'opening date';
COMMENT ON COLUMN opened_count.currency IS 'ISO 4217 code';
COMMENT ON COLUMN opened_count.product IS 'product name';
COMMENT ON COLUMN opened_count.accounts IS 'accounts opened';
COMMENT ON TABLE promise_count IS 'Promises per day, a row a shard.';
COMMENT ON COLUMN promise_count.shard IS 'partition';
COMMENT ON COLUMN promise_count.day IS 'date promised or judged';
COMMENT ON COLUMN promise_count.currency IS 'ISO 4217 code';
COMMENT ON COLUMN promise_count.made IS 'promises made that day';
COMMENT ON COLUMN promise_count.made_minor IS 'amount promised that day';
COMMENT ON COLUMN promise_count.kept IS 'promises judged kept that day';
COMMENT ON COLUMN promise_count.broken IS 'promises judged broken that day';
COMMENT ON COLUMN promise_count.judged_minor IS 'amount promised of those judged that day';
COMMENT ON COLUMN promise_count.paid_minor IS 'amount paid of it: never more than was promised';
COMMENT ON VIEW account_period IS 'Every status of every account: the one with valid_from <= d < valid_to held at the close of day d.';
COMMENT ON VIEW unassessed_daily IS 'Accounts opened by the end of each day that no status has come for: current, nothing owed.';
COMMENT ON VIEW portfolio_daily IS 'Every account at the close of each day, by bucket; those without a status count as current.';
COMMENT ON VIEW delinquency_daily IS 'Both sides of the delinquency rate at each close: accounts on the books, and those at or over 1, 30, 60, 90 days.';
COMMENT ON FUNCTION account_at IS 'What held of one account at the close of a day.';
COMMENT ON VIEW monthly_roll_cells IS 'Roll matrices from month end to month end, one row a cell.';
COMMENT ON FUNCTION roll_matrix IS 'Roll matrix between the last closed days by t0 and by t1: one row a cell. From month end to month end it is kept.';
COMMENT ON VIEW roll_daily IS 'Roll matrix from each closed day to the next, one row a cell.';
COMMENT ON VIEW cure_daily IS 'Accounts delinquent at the close before each day, and those of them cured by it.';
COMMENT ON VIEW cure_monthly IS 'Accounts delinquent at each month end, and those of them cured by the next.';
COMMENT ON VIEW flow_monthly IS 'What stood in a bucket at one month end and in the next worse bucket at the next.';
COMMENT ON VIEW recovery_daily IS 'Money received a day, and how arrears went from one close to the next: opening + newly overdue - applied - otherwise reduced = closing.';
COMMENT ON VIEW contact_daily IS 'Contacts by the day they were requested, channel and suppressing rule, with the stages they have reached so far.';
COMMENT ON VIEW suppression_daily IS 'Contacts suppressed by the day they were requested, channel and rule.';
COMMENT ON VIEW promise_daily IS 'Promises made and judged a day.';
COMMENT ON VIEW repayment_applied_by_day IS 'Repayments applied, with the business date whose close counts them first.';

-- Table by table: the loop's own tables hold payloads, which are nobody's business outside the service.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi') THEN
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM bi', current_schema());
        GRANT SELECT ON
        account_now, account_past, business_day, daily_bucket, daily_cure, daily_move, daily_repaid,
        dim_account, dim_customer, fact_case, fact_contact, fact_cure, fact_promise,
        fact_repayment_applied, fact_treatment, monthly_cure, monthly_roll, account_period,
        unassessed_daily, portfolio_daily, delinquency_daily, monthly_roll_cells, roll_daily, cure_daily,
        cure_monthly, flow_monthly, recovery_daily, contact_daily, suppression_daily, promise_daily,
        repayment_applied_by_day
        TO bi;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO bi', current_schema());
    END IF;
END $$;
