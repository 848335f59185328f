"""How accounts move between buckets, and how they get out: roll matrices, flow rate, cures."""

from itertools import pairwise
from typing import Final

from services.reporting.metrics.definition import BUSINESS_DATE, CURRENCY, PRODUCT, Column, Metric, Rate, View

_FROM_DATE: Final = Column("from_date", "date", "closed day t0")
_TO_DATE: Final = Column("to_date", "date", "closed day t1")
_CELL: Final = (
    Column("from_bucket", "text", "bucket at t0; or closed, written-off, or new: not assessed by t0"),
    Column("to_bucket", "text", "bucket at t1; or closed or written-off"),
    Column("from_days", "number", "order of from_bucket: its first day past due; -1 new, 100000 and above the states"),
    Column("to_days", "number", "order of to_bucket"),
    Column("accounts", "count", "accounts that went from the one to the other"),
    Column("balance_minor", "money", "their B at t0"),
)


def _place(row: str) -> str:
    """Where an account is: its bucket while it is open, else its state; and that place's order."""
    return f"""CASE {row}.state WHEN 'open' THEN {row}.bucket ELSE {row}.state END,
             CASE {row}.state WHEN 'open' THEN {row}.days_from WHEN 'new' THEN -1 WHEN 'written-off' THEN 100000
                              ELSE 100001 END"""


ACCOUNT_AT: Final = View(
    "account_at",
    "What held of one account at the close of a day.",
    (
        Column("state", "text", "open, written-off or closed"),
        Column("delinquent", "flag", "delinquent under the policy"),
        Column("bucket", "text", "bucket"),
        Column("days_from", "number", "first day past due of the bucket"),
        Column("balance_minor", "money", "B: exposure, or arrears where none is reported"),
        Column("exposure_minor", "money", "exposure"),
        Column("arrears_minor", "money", "arrears"),
    ),
    """SELECT state, delinquent, bucket, days_from, balance_minor, exposure_minor, arrears_minor
FROM account_now WHERE account_id = account AND valid_from <= day
UNION ALL
SELECT state, delinquent, bucket, days_from, balance_minor, exposure_minor, arrears_minor
FROM (SELECT * FROM account_past WHERE account_id = account AND valid_from <= day
      ORDER BY valid_from DESC LIMIT 1) AS latest
WHERE valid_to > day AND state <> 'new'""",
    arguments="account text, day date",
)

# Who moved between two closes, then: moves, less those who moved from where everybody was, plus everybody.
_CELLS: Final = """SELECT {keys}, from_bucket, to_bucket, from_days, to_days, sum(accounts)::bigint AS accounts,
       sum(balance)::bigint AS balance_minor, sum(balance_to)::bigint AS balance_to_minor
FROM (SELECT {keys}, place0 AS from_bucket, place1 AS to_bucket, order0 AS from_days, order1 AS to_days, accounts,
             balance0 AS balance, balance1 AS balance_to
      FROM move
      UNION ALL
      SELECT {keys}, place0, place0, order0, order0, -accounts, -balance0, -balance0 FROM move WHERE place0 <> 'new'
      UNION ALL
      SELECT {keys}, place0, place0, order0, order0, accounts, balance0, balance0 FROM stood) AS cell
GROUP BY {keys}, from_bucket, to_bucket, from_days, to_days HAVING sum(accounts) <> 0"""

ROLL_MATRIX_BETWEEN: Final = View(
    "roll_matrix",
    "Roll matrix between the last closed days by t0 and by t1: one row a cell. From month end to month end it is kept.",
    (_FROM_DATE, _TO_DATE, CURRENCY, PRODUCT, *_CELL, Column("balance_to_minor", "money", "their B at t1")),
    f"""BEGIN
    t0 := (SELECT max(business_date) FROM business_day WHERE business_date <= t0);
    t1 := (SELECT max(business_date) FROM business_day WHERE business_date <= t1);
    RETURN QUERY SELECT m.* FROM monthly_roll_cells AS m WHERE m.from_date = t0 AND m.to_date = t1;
    IF NOT FOUND THEN
        RETURN QUERY
        WITH move (currency, product, place0, order0, place1, order1, accounts, balance0, balance1) AS (
            SELECT p.currency, p.product, {_place("p")}, {_place("n")}, 1, p.balance_minor, n.balance_minor
            FROM account_past AS p CROSS JOIN LATERAL account_at(p.account_id, t1) AS n
            WHERE p.valid_from <= t0 AND p.valid_to > t0 AND p.valid_to <= t1
        ), stood (currency, product, place0, order0, accounts, balance0) AS (
            SELECT b.currency, b.product, {_place("b")}, b.accounts, b.balance_minor
            FROM daily_bucket AS b WHERE b.business_date = t0
        ), counted AS ({_CELLS.format(keys="currency, product")})
        SELECT t0, t1, c.* FROM counted AS c;
    END IF;
END""",
    arguments="t0 date, t1 date",
    language="plpgsql",
)

MONTHLY_ROLL_CELLS: Final = View(
    "monthly_roll_cells",
    "Roll matrices from month end to month end, one row a cell.",
    ROLL_MATRIX_BETWEEN.columns,
    """SELECT from_date, to_date, currency, product, from_bucket, to_bucket, from_days, to_days, accounts,
       balance_minor, balance_to_minor
FROM monthly_roll""",
)

ROLL_DAILY: Final = View(
    "roll_daily",
    "Roll matrix from each closed day to the next, one row a cell.",
    (BUSINESS_DATE, CURRENCY, PRODUCT, *_CELL, Column("balance_to_minor", "money", "their B at t1")),
    f"""WITH move (business_date, currency, product, place0, order0, place1, order1, accounts, balance0, balance1) AS (
    SELECT m.business_date, m.currency, m.product, {_place("p")}, {_place("n")}, m.accounts, m.balance0_minor,
           m.balance1_minor
    FROM daily_move AS m, LATERAL (SELECT m.state0 AS state, m.bucket0 AS bucket, m.days_from0 AS days_from) AS p,
         LATERAL (SELECT m.state1 AS state, m.bucket1 AS bucket, m.days_from1 AS days_from) AS n
), stood (business_date, currency, product, place0, order0, accounts, balance0) AS (
    SELECT d.business_date, b.currency, b.product, {_place("b")}, b.accounts, b.balance_minor
    FROM business_day AS d JOIN daily_bucket AS b ON b.business_date = d.previous_date
)
{_CELLS.format(keys="business_date, currency, product")}""",
)

_CURE: Final = (
    Column("delinquent_accounts", "count", "accounts delinquent at t0"),
    Column("cured_accounts", "count", "of them cured through repayment by t1"),
    Column("reaged_accounts", "count", "of them re-aged by t1"),
    Column("otherwise_accounts", "count", "of them cured otherwise: adjusted, cancelled, closed"),
    Column("delinquent_minor", "money", "B at t0 of the accounts delinquent then"),
    Column("cured_minor", "money", "B at t0 of those cured through repayment"),
    Column("reaged_minor", "money", "B at t0 of those re-aged"),
    Column("otherwise_minor", "money", "B at t0 of those cured otherwise"),
)
_CURE_SUMS: Final = """coalesce(sum(c.accounts) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_accounts,
       coalesce(sum(c.accounts) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_accounts,
       l.balance_minor AS delinquent_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'repayment'), 0)::bigint AS cured_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through = 'reage'), 0)::bigint AS reaged_minor,
       coalesce(sum(c.balance0_minor) FILTER (WHERE c.through NOT IN ('repayment', 'reage')), 0)::bigint
           AS otherwise_minor"""

CURE_DAILY: Final = View(
    "cure_daily",
    "Accounts delinquent at the close before each day, and those of them cured by it.",
    (BUSINESS_DATE, CURRENCY, PRODUCT, *_CURE),
    f"""SELECT l.business_date, l.currency, l.product, l.accounts AS delinquent_accounts,
       {_CURE_SUMS}
FROM (SELECT d.business_date, b.currency, b.product, sum(b.accounts)::bigint AS accounts,
             sum(b.balance_minor)::bigint AS balance_minor
      FROM business_day AS d JOIN daily_bucket AS b ON b.business_date = d.previous_date
      WHERE b.delinquent GROUP BY d.business_date, b.currency, b.product) AS l
LEFT JOIN daily_cure AS c USING (business_date, currency, product)
GROUP BY l.business_date, l.currency, l.product, l.accounts, l.balance_minor""",
)

CURE_MONTHLY: Final = View(
    "cure_monthly",
    "Accounts delinquent at each month end, and those of them cured by the next.",
    (_FROM_DATE, _TO_DATE, CURRENCY, PRODUCT, *_CURE),
    f"""SELECT l.from_date, l.to_date, l.currency, l.product, l.accounts AS delinquent_accounts,
       {_CURE_SUMS}
FROM (SELECT m.from_date, m.to_date, b.currency, b.product, sum(b.accounts)::bigint AS accounts,
             sum(b.balance_minor)::bigint AS balance_minor
      FROM (SELECT DISTINCT from_date, to_date FROM monthly_roll) AS m
      JOIN daily_bucket AS b ON b.business_date = m.from_date
      WHERE b.delinquent GROUP BY m.from_date, m.to_date, b.currency, b.product) AS l
LEFT JOIN monthly_cure AS c USING (from_date, to_date, currency, product)
GROUP BY l.from_date, l.to_date, l.currency, l.product, l.accounts, l.balance_minor""",
)

_SCHEMES: Final = (
    ("current", "1-29", "30-59", "60-89", "90-119", "120-149", "150-179", "180+"),
    ("M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7"),
)
_STEPS: Final = ", ".join(f"('{i}', '{j}', {n})" for scheme in _SCHEMES for n, (i, j) in enumerate(pairwise(scheme)))

FLOW_MONTHLY: Final = View(
    "flow_monthly",
    "What stood in a bucket at one month end and in the next worse bucket at the next.",
    (
        _FROM_DATE,
        _TO_DATE,
        CURRENCY,
        PRODUCT,
        Column("from_bucket", "text", "bucket i"),
        Column("to_bucket", "text", "the next worse bucket i+1"),
        Column("step", "number", "order of the buckets"),
        Column("from_accounts", "count", "open accounts in i at t0"),
        Column("to_accounts", "count", "open accounts in i+1 at t1"),
        Column("from_minor", "money", "their B in i at t0"),
        Column("to_minor", "money", "their B in i+1 at t1"),
    ),
    f"""SELECT m.from_date, m.to_date, b.currency, b.product, s.from_bucket, s.to_bucket, s.step,
       coalesce(sum(b.accounts) FILTER (WHERE b.business_date = m.from_date), 0)::bigint AS from_accounts,
       coalesce(sum(b.accounts) FILTER (WHERE b.business_date = m.to_date), 0)::bigint AS to_accounts,
       coalesce(sum(b.balance_minor) FILTER (WHERE b.business_date = m.from_date), 0)::bigint AS from_minor,
       coalesce(sum(b.balance_minor) FILTER (WHERE b.business_date = m.to_date), 0)::bigint AS to_minor
FROM (SELECT DISTINCT from_date, to_date FROM monthly_roll) AS m
CROSS JOIN (VALUES {_STEPS}) AS s (from_bucket, to_bucket, step)
JOIN daily_bucket AS b ON b.state = 'open'
     AND ((b.business_date = m.from_date AND b.bucket = s.from_bucket)
          OR (b.business_date = m.to_date AND b.bucket = s.to_bucket))
GROUP BY m.from_date, m.to_date, b.currency, b.product, s.from_bucket, s.to_bucket, s.step""",
)


def _row_total(column: str, *keys: str) -> str:
    return f"sum(sum({column})) OVER (PARTITION BY {', '.join([*keys, 'currency', 'from_bucket', 'from_days'])})"


def _cells(*keys: str) -> tuple[Column, ...]:
    return (
        Column("accounts", "count", "accounts that went from the one to the other"),
        Column("from_accounts", "count", "all accounts of from_bucket at t0", _row_total("accounts", *keys)),
        Column("balance_minor", "money", "B at t0 of those that went from the one to the other"),
        Column("from_minor", "money", "B at t0 of all of from_bucket", _row_total("balance_minor", *keys)),
    )


_ROLL_RATES: Final = (
    Rate("rate_accounts", "accounts", "from_accounts"),
    Rate("rate_amount", "balance_minor", "from_minor"),
)
_ROLL_FORMULA: Final = (
    "ΣB₀ of accounts in bucket i at t0 and j at t1 / ΣB₀ of accounts in i at t0. Closed and written-off are states, so "
    "a row's rates add to 1. Accounts without a status at t0 are the row `new`, those without any are left out."
)

ROLL_MATRIX: Final = Metric(
    "roll_matrix",
    "Roll matrix between two closed days",
    _ROLL_FORMULA + " `from` is t0, `to` is t1; without them, the last two month ends.",
    ROLL_MATRIX_BETWEEN,
    ("from_date", "to_date", "currency", "from_bucket", "to_bucket"),
    _cells("from_date", "to_date"),
    _ROLL_RATES,
    day=None,
    order=("currency", "from_days", "from_bucket", "to_days", "to_bucket"),
    month_ends=True,
)
ROLL_MATRIX_DAILY: Final = Metric(
    "roll_matrix_daily",
    "Roll matrix of each day",
    _ROLL_FORMULA + " t1 is the day, t0 the closed day before it.",
    ROLL_DAILY,
    ("business_date", "currency", "from_bucket", "to_bucket"),
    _cells("business_date"),
    _ROLL_RATES,
    order=("business_date", "currency", "from_days", "from_bucket", "to_days", "to_bucket"),
)
ROLL_MATRIX_MONTHLY: Final = Metric(
    "roll_matrix_monthly",
    "Roll matrix of each month",
    _ROLL_FORMULA + " t0 and t1 are the last closed days of consecutive months.",
    MONTHLY_ROLL_CELLS,
    ("from_date", "to_date", "currency", "from_bucket", "to_bucket"),
    _cells("from_date", "to_date"),
    _ROLL_RATES,
    day="to_date",
    order=("from_date", "to_date", "currency", "from_days", "from_bucket", "to_days", "to_bucket"),
)
FLOW_RATE: Final = Metric(
    "flow_rate",
    "Flow rate of each month",
    "ΣB₁ in bucket i+1 at t1 / ΣB₀ in bucket i at t0, between consecutive month ends.",
    FLOW_MONTHLY,
    ("from_date", "to_date", "currency", "from_bucket", "to_bucket"),
    FLOW_MONTHLY.columns[7:],
    (Rate("rate_accounts", "to_accounts", "from_accounts"), Rate("rate_amount", "to_minor", "from_minor")),
    day="to_date",
    order=("from_date", "to_date", "currency", "step", "from_bucket"),
)

_CURE_RATES: Final = (
    Rate("rate_accounts", "cured_accounts", "delinquent_accounts"),
    Rate("rate_amount", "cured_minor", "delinquent_minor"),
)
_CURE_FORMULA: Final = (
    "accounts delinquent at t0 that stopped being so through repayment by t1 / accounts delinquent at t0; re-aged "
    "accounts and other cures are counted apart."
)
CURE_RATE: Final = Metric(
    "cure_rate",
    "Cure rate of each day",
    _CURE_FORMULA + " t1 is the day, t0 the closed day before it.",
    CURE_DAILY,
    ("business_date", "currency"),
    _CURE,
    _CURE_RATES,
)
CURE_RATE_MONTHLY: Final = Metric(
    "cure_rate_monthly",
    "Cure rate of each month",
    _CURE_FORMULA + " t0 and t1 are the last closed days of consecutive months.",
    CURE_MONTHLY,
    ("from_date", "to_date", "currency"),
    _CURE,
    _CURE_RATES,
    day="to_date",
)
