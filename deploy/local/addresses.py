"""The addresses of a running local system, as `.local/addresses.json` tells them to people and programs."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Addresses:
    """`postgres` has a URL per service and one for `bi`, each with its password: the file is the owner's alone."""

    kafka: str
    postgres: Mapping[str, str]
    http: Mapping[str, str]
    smtp: str
    smtp_http: str
    sms_gateway: str
    pids: Mapping[str, int | None] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Whole or not at all, readable by the owner only."""
        handle, partial = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # mode 0600
        with os.fdopen(handle, "w") as written:
            json.dump(asdict(self), written, indent=2)
            written.write("\n")
        Path(partial).rename(file)


def read_addresses(file: Path) -> Addresses:
    """Where a running system is to be found; FileNotFoundError when none runs."""
    return Addresses(**json.loads(file.read_text()))
