"""What a message says: the customer, what is owed at this moment, and a template."""

from collections import Counter

from services.contact.domain.known import Customer
from services.contact.domain.request import Request
from services.contact.rendering import Rendered, Templates
from shared.vocabulary.money import Money


class Composer:
    """Writes messages in one lender's name."""

    def __init__(self, templates: Templates, lender_name: str) -> None:
        self._templates = templates
        self._lender_name = lender_name

    def compose(self, request: Request, customer: Customer) -> Rendered:
        """The message with today's amounts, not those of when it was asked for; Unrenderable when there is none."""
        values = {
            "lender": self._lender_name,
            "name": customer.name,
            "arrears": " + ".join(str(money) for money in arrears_of(request, customer)),
            "days_past_due": request.days_past_due,
            "accounts": len(request.accounts),
        }
        return self._templates.render(request.template, request.channel, customer.language, values)


def arrears_of(request: Request, customer: Customer) -> list[Money]:
    """What is owed now on the accounts of the request, one amount a currency."""
    sums: Counter[str] = Counter()
    for owed in request.accounts:
        if balance := customer.balances.get(owed.account_id):
            sums[balance.currency] += balance.arrears_minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items()) if minor > 0]
