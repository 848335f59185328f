"""What of a day's facts may be known before its calls are made."""

from datetime import date

import orjson

from deploy.local.demo.year import statements_of
from deploy.local.portfolio.lender import Lender


def test_nothing_of_the_statements_is_due_on_their_day_and_no_record_is_lost() -> None:
    lender = Lender(seed=7, customers=300, months=2, start=date(2025, 1, 1))
    seen = 0
    for part in lender.days():
        statements, others = statements_of(part.records)
        assert sorted([*statements, *others], key=str) == sorted(part.records, key=str)
        if part.day == lender.business_days[0]:
            continue
        readable = [orjson.loads(one.value)["data"] for one in statements if one.value not in lender.noise.malformed]
        bills = [data for data in readable if "due_on" in data]
        assert all(data["due_on"] > part.day.isoformat() for data in bills)
        seen += len(bills)
    assert seen > 100
