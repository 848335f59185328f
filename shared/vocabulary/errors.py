"""The three kinds of failure a part may expect, apart from bugs.

    Exception
    ├── Rejected       this input is wrong and always will be: dead-letter it, answer 4xx
    ├── Unavailable    something we need is away: back off and retry, answer 503
    └── Misconfigured  the process cannot run as set up: end at start, naming the setting

Anything else is a bug and ends the process without a commit.
"""


class Rejected(Exception):  # noqa: N818  the name is the field's word for it, and reads well in an except clause
    """One input refused. `reason` is a stable snake_case word; `detail` says what was expected, naming no person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Unavailable(Exception):  # noqa: N818
    """A database, broker or gateway does not answer now; the same call may succeed later."""


class Misconfigured(Exception):  # noqa: N818
    """A setting or a prerequisite is wrong; the message names it and what is expected."""
