"""Reads what providers post to us, and makes sure that it is theirs."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from services.contact import reports
from services.contact.channels.port import Went
from services.contact.channels.sms import signature, status_of
from services.contact.reports import Report
from shared.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class ReceiptReader:
    """Receipts of one account. Outside local systems each must be signed; a wrong signature is refused anywhere.

    Our own query parameter in the callback's address names the attempt, so that a receipt that overtakes the answer
    to the sending finds it.
    """

    callback_url: str
    auth_token: str
    signature_required: bool

    def report(self, query: str, form: Sequence[tuple[str, str]], signed: str | None) -> Report | None:
        """The receipt as a report; None for a status that says nothing new. Rejected when it is not the provider's."""
        self._verify(query, form, signed)
        attempt = parse_qs(query).get("attempt", [""])[0]
        values = dict(form)
        sid, status = values.get("MessageSid"), values.get("MessageStatus")
        if not attempt or not sid or not status:
            raise Rejected("malformed_receipt", "expected ?attempt= and the form fields MessageSid and MessageStatus")
        handed = status_of(status, sid, values.get("ErrorCode"))
        return None if handed.went is Went.UNKNOWN else reports.report_of(attempt, handed)

    def _verify(self, query: str, form: Sequence[tuple[str, str]], signed: str | None) -> None:
        if signed is None:
            if self.signature_required:
                raise Rejected("unsigned_receipt_forbidden", "a receipt carries X-Twilio-Signature")
            return
        expected = signature(f"{self.callback_url}?{query}", form, self.auth_token)
        if not hmac.compare_digest(expected.encode(), signed.encode()):
            raise Rejected("forged_receipt_forbidden", "X-Twilio-Signature does not fit this receipt")
