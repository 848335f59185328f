"""Message texts from sandboxed templates. A template either yields the whole message or an error, never a half.

Files are named <template>.<channel>.<language>.txt; the customer's language, its base ("de" of "de-AT") and English
are tried in turn. The first line of an e-mail's file is "Subject: ...", the second is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplatesNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

SHIPPED: Final = Path(__file__).parent / "templates"
FALLBACK_LANGUAGE: Final = "en"
FOUND_MAX: Final = 10_000
SMS_LENGTH_MAX: Final = 1_600
"""What providers take as one message, in several parts."""


class Unrenderable(Exception):  # noqa: N818  reads well in an except clause
    """A template that is missing or does not fit its values; `reason` is a stable word without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be sent; `subject` is empty for an SMS."""

    subject: str
    body: str


class Templates:
    """The templates of one folder, compiled once."""

    def __init__(self, folder: Path) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False, trim_blocks=True,
            auto_reload=False,
        )  # fmt: skip
        self._found: dict[tuple[str, str, str], Template] = {}

    def render(self, template: str, channel: str, language: str, values: Mapping[str, Any]) -> Rendered:
        """The message in the best language there is; Unrenderable says what is wrong with the template."""
        try:
            text = self._best(template, channel, language.lower()).render(values).strip()
        except TemplatesNotFound:
            raise Unrenderable("template_missing") from None
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
            raise Unrenderable("template_error") from None
        return _email(text) if channel == "email" else _sms(text)

    def _best(self, template: str, channel: str, language: str) -> Template:
        """The template in the best language there is, looked for on disk once; TemplatesNotFound when there is none."""
        found = self._found.get((template, channel, language))
        if found is None:
            languages = dict.fromkeys((language, language.partition("-")[0], FALLBACK_LANGUAGE))
            found = self._environment.select_template([f"{template}.{channel}.{one}.txt" for one in languages])
            if len(self._found) < FOUND_MAX:
                self._found[template, channel, language] = found
        return found


def _sms(text: str) -> Rendered:
    if not 0 < len(text) <= SMS_LENGTH_MAX:
        raise Unrenderable("message_length")
    return Rendered("", text)


def _email(text: str) -> Rendered:
    head, _, body = text.partition("\n\n")
    subject = head.removeprefix("Subject: ")
    if subject == head or "\n" in subject or not subject.strip() or not body.strip():
        raise Unrenderable("email_without_subject_or_text")
    return Rendered(subject.strip(), body.strip() + "\n")
