"""One module imported from other source than its own, and all that imports it anew.

For mutants of what runs at import.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from tests.mutation.mutants import Mutant


class _Planted(SourceFileLoader):
    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.dotted, str(mutant.path))
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.mutant.source, self.mutant.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.mutant.dotted:
            return None
        return spec_from_file_location(fullname, self.mutant.path, loader=_Planted(self.mutant))


def plant(mutant: Mutant) -> None:
    """Forgets services and tests as they were imported, in this process; the mutant is found when they are again."""
    for name in [*sys.modules]:
        if name.startswith(("services.", "tests.")) and not name.startswith("tests.mutation"):
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant))
