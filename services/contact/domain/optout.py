"""Recognising an opt-out in what a customer writes: by any reasonable words; STOP suffices (12 CFR 1006.6(e))."""

import re
from typing import Final

_WORDS: Final = frozenset(
    "stop stopall unsubscribe cancel end quit optout revoke halt arret arrêt stopp abmelden baja alto".split()
)
_PHRASES: Final = ("opt out", "do not contact", "don't contact", "stop contacting", "stop texting", "stop calling")


def is_opt_out(text: str) -> bool:
    """Whether the text asks to be left alone: it starts with an opt-out word, or contains an opt-out phrase."""
    plain = " ".join(re.findall(r"[\w'’]+", text.casefold())).replace("’", "'")
    first = plain.partition(" ")[0]
    return first in _WORDS or any(phrase in plain for phrase in _PHRASES)
