"""Money that came back, and what it did to arrears."""

from typing import Final

from services.reporting.metrics.definition import BUSINESS_DATE, CURRENCY, PRODUCT, Column, Metric, Rate, View

RECOVERY_DAILY: Final = View(
    "recovery_daily",
    "Money received a day, and how arrears went from one close to the next: "
    "opening + newly overdue - applied - otherwise reduced = closing.",
    (
        BUSINESS_DATE,
        CURRENCY,
        PRODUCT,
        Column("repayments", "count", "repayments received"),
        Column("repaid_minor", "money", "money received"),
        Column("returned_minor", "money", "money that went back by reversal or chargeback"),
        Column("applied_minor", "money", "applied to arrears, net of what went back"),
        Column("opening_arrears_minor", "money", "arrears at the previous close"),
        Column("newly_overdue_minor", "money", "arrears that arose"),
        Column("otherwise_reduced_minor", "money", "arrears that fell without a repayment"),
        Column("closing_arrears_minor", "money", "arrears at the close"),
    ),
    """SELECT business_date, currency, product, sum(repayments)::bigint AS repayments,
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
GROUP BY business_date, currency, product""",
)

RECOVERY: Final = Metric(
    "recovery",
    "Money recovered a day",
    "Money received, what of it went back, and what was applied to arrears, on the day whose close counts it first.",
    RECOVERY_DAILY,
    ("business_date", "currency"),
    RECOVERY_DAILY.columns[3:7],
)

RESOLUTION_RATE: Final = Metric(
    "resolution_rate",
    "Resolution rate of each day",
    "repayments applied to arrears, net of reversals and chargebacks / (arrears at the previous close + arrears newly "
    "overdue). Accounts are those with a repayment; the rate is in money only.",
    RECOVERY_DAILY,
    ("business_date", "currency"),
    (
        *RECOVERY_DAILY.columns[3:4],
        *RECOVERY_DAILY.columns[6:],
        Column(
            "resolvable_minor",
            "money",
            "opening arrears + newly overdue",
            "sum(opening_arrears_minor + newly_overdue_minor)",
        ),
    ),
    (Rate("rate_amount", "applied_minor", "resolvable_minor"),),
)
