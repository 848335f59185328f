"""Where the portfolio stands at each close: levels per bucket and the delinquency rate."""

from typing import Final

from services.reporting.metrics.definition import BUSINESS_DATE, CURRENCY, PRODUCT, Column, Metric, Rate, View

_ACCOUNTS: Final = Column("accounts", "count", "accounts")
_BALANCE: Final = Column("balance_minor", "money", "their B: exposure, or arrears where none is reported")

# An account nobody has reported anything of since it was opened has no status: it is current and owes nothing.
UNASSESSED_DAILY: Final = View(
    "unassessed_daily",
    "Accounts opened by the end of each day that no status has come for: current, nothing owed.",
    (BUSINESS_DATE, CURRENCY, PRODUCT, _ACCOUNTS),
    """WITH change AS (
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
WHERE o.at_close AND o.accounts > coalesce(a.accounts, 0)""",
)

PORTFOLIO_DAILY: Final = View(
    "portfolio_daily",
    "Every account at the close of each day, by bucket; those without a status count as current.",
    (
        BUSINESS_DATE,
        CURRENCY,
        PRODUCT,
        Column("state", "text", "open, written-off or closed"),
        Column("delinquent", "flag", "delinquent under the policy"),
        Column("bucket", "text", "bucket"),
        Column("days_from", "number", "first day past due of the bucket"),
        _ACCOUNTS,
        _BALANCE,
        Column("exposure_minor", "money", "their exposure"),
        Column("arrears_minor", "money", "their arrears"),
    ),
    """SELECT business_date, currency, product, state, delinquent, bucket, days_from, accounts, balance_minor,
       exposure_minor, arrears_minor
FROM daily_bucket
UNION ALL
SELECT business_date, currency, product, 'open', false, 'current', 0, accounts, 0, 0, 0 FROM unassessed_daily""",
)

DELINQUENCY_DAILY: Final = View(
    "delinquency_daily",
    "Both sides of the delinquency rate at each close: accounts on the books, and those at or over 1, 30, 60, 90 days.",
    (
        BUSINESS_DATE,
        CURRENCY,
        PRODUCT,
        Column("threshold", "number", "days past due at or over which an account counts"),
        Column("delinquent_accounts", "count", "accounts at or over the threshold"),
        Column("accounts", "count", "accounts on the books"),
        Column("delinquent_minor", "money", "B of the accounts at or over the threshold"),
        Column("balance_minor", "money", "B of the accounts on the books"),
    ),
    """SELECT p.business_date, p.currency, p.product, t.threshold,
       coalesce(sum(p.accounts) FILTER (WHERE p.days_from >= t.threshold), 0) AS delinquent_accounts,
       sum(p.accounts) AS accounts,
       coalesce(sum(p.balance_minor) FILTER (WHERE p.days_from >= t.threshold), 0) AS delinquent_minor,
       sum(p.balance_minor) AS balance_minor
FROM portfolio_daily AS p CROSS JOIN (VALUES (1), (30), (60), (90)) AS t (threshold)
WHERE p.state = 'open'
GROUP BY p.business_date, p.currency, p.product, t.threshold""",
)

PORTFOLIO: Final = Metric(
    "portfolio",
    "Portfolio by bucket",
    "Accounts, B, exposure and arrears at each close, by bucket and state.",
    PORTFOLIO_DAILY,
    ("business_date", "currency", "state", "bucket"),
    PORTFOLIO_DAILY.columns[7:],
    order=("business_date", "currency", "state", "days_from", "bucket"),
)

DELINQUENCY_RATE: Final = Metric(
    "delinquency_rate",
    "Delinquency rate (1+, 30+, 60+, 90+)",
    "ΣB of accounts in a bucket of x or more days past due / ΣB of all accounts on the books, at each close.",
    DELINQUENCY_DAILY,
    ("business_date", "currency", "threshold"),
    DELINQUENCY_DAILY.columns[4:],
    (
        Rate("rate_accounts", "delinquent_accounts", "accounts"),
        Rate("rate_amount", "delinquent_minor", "balance_minor"),
    ),
)
