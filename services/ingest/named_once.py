"""JSON in which no object says one name twice: readers take the last, so the first would silently do nothing.

For what people write by hand, packs and questions. Events are written by programs, and read as they come.
"""

import json
from typing import Any

from shared.vocabulary.errors import Rejected


def each_name_once(body: bytes, reason: str) -> None:
    """Rejected with that reason where an object names a thing twice. What is no JSON is left to its reader."""

    def checked(pairs: list[tuple[str, Any]]) -> None:
        seen = set[str]()
        for name, _ in pairs:
            if name in seen:
                raise Rejected(reason, f"{name[:64]!r} is written twice in one object")
            seen.add(name)

    try:
        json.loads(body, object_pairs_hook=checked, parse_int=str, parse_float=str)
    except RecursionError:
        raise Rejected(reason, "it is nested too deeply") from None
    except ValueError:
        return
