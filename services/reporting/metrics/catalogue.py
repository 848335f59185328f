"""The index of all metrics and of the views they and BI read."""

from typing import Final

from services.reporting.metrics import contact, delinquency, recovery, rolls
from services.reporting.metrics.definition import Metric, View
from shared.vocabulary.errors import Rejected

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        delinquency.DELINQUENCY_RATE,
        delinquency.PORTFOLIO,
        rolls.ROLL_MATRIX,
        rolls.ROLL_MATRIX_DAILY,
        rolls.ROLL_MATRIX_MONTHLY,
        rolls.FLOW_RATE,
        rolls.CURE_RATE,
        rolls.CURE_RATE_MONTHLY,
        recovery.RECOVERY,
        recovery.RESOLUTION_RATE,
        contact.CONTACT_FUNNEL,
        contact.CONTACT_SUPPRESSIONS,
        contact.PROMISES_KEPT,
    )
}

VIEWS: Final[tuple[View, ...]] = (
    delinquency.UNASSESSED_DAILY,
    delinquency.PORTFOLIO_DAILY,
    delinquency.DELINQUENCY_DAILY,
    rolls.ACCOUNT_AT,
    rolls.MONTHLY_ROLL_CELLS,
    rolls.ROLL_MATRIX_BETWEEN,
    rolls.ROLL_DAILY,
    rolls.CURE_DAILY,
    rolls.CURE_MONTHLY,
    rolls.FLOW_MONTHLY,
    recovery.RECOVERY_DAILY,
    contact.CONTACT_DAILY,
    contact.SUPPRESSION_DAILY,
    contact.PROMISE_DAILY,
)
"""In the order they are created: a view comes after those it reads."""


def metric_named(name: str) -> Metric:
    """The metric of that name; Rejected says which there are."""
    try:
        return METRICS[name]
    except KeyError:
        raise Rejected("metric_not_found", f"no such metric; there are {', '.join(METRICS)}") from None
