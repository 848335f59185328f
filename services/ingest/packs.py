"""The policy packs in force, by name, and how they are read from a folder of YAML files.

Apart from a pack's own shape (`pack_documents`).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from services.ingest.domain.facts import Opened
from services.ingest.domain.policy import Rules
from services.ingest.pack_documents import PackDocument, read_pack
from shared.vocabulary.errors import Misconfigured, Rejected

SHIPPED: Final = Path(__file__).parent / "packs"
PACK_BYTES_MAX: Final = 262_144


class Packs:
    """The packs in force, by name."""

    def __init__(self, documents: Sequence[PackDocument]) -> None:
        self._documents = sorted(documents, key=lambda d: d.name)
        self._policies = {d.name: policy for d in documents if (policy := d.policy()) is not None}
        self._classifications = {d.name: classes for d in documents if (classes := d.classes()) is not None}
        self._rules = lru_cache(maxsize=1024)(self._made)

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def documents(self) -> Sequence[PackDocument]:
        """The packs as read, by name."""
        return self._documents

    def rules(self, policy: str, classifications: Sequence[str]) -> Rules:
        """What governs an account of these packs; Rejected('unknown_policy') when one is missing."""
        return self._rules(policy, tuple(classifications))

    def classifies(self, name: str) -> bool:
        """Whether the pack of that name, if there is one, says how accounts are classified."""
        return name in self._classifications

    def with_own(self, own: Iterable[PackDocument]) -> "Packs":
        """These packs and others, which stand before those of the same names."""
        others = {d.name: d for d in own}
        return Packs([*(d for d in self._documents if d.name not in others), *others.values()]) if others else self

    def unknown(self, opened: Opened) -> str | None:
        """What is wrong with the names of packs an account opens under, if anything."""
        try:
            self.rules(opened.policy, opened.classifications)
        except Rejected as refusal:
            return refusal.detail
        return None

    def described(self) -> list[dict[str, Any]]:
        """The packs as written, by name."""
        return [as_written(d) for d in self._documents]

    def _made(self, policy: str, classifications: tuple[str, ...]) -> Rules:
        ageing = self._policies.get(policy)
        if ageing is None:
            raise Rejected("unknown_policy", f"no pack called {policy[:64]!r} says how accounts age")
        for name in classifications:
            if name not in self._classifications:
                raise Rejected("unknown_policy", f"no pack called {name[:64]!r} says how accounts are classified")
        return Rules(ageing, tuple([self._classifications[name] for name in classifications]))


def as_written(document: PackDocument) -> dict[str, Any]:
    """The pack as JSON has it."""
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)


def read_back(written: Mapping[str, Any]) -> PackDocument:
    """A pack from what `as_written` made of it."""
    return PackDocument.model_validate_json(orjson.dumps(written))


def load(folder: Path = SHIPPED) -> Packs:
    """All packs of a folder; Misconfigured names the file and the place of what is wrong."""
    files: dict[str, str] = {}
    documents = []
    for path in sorted(folder.glob("*.yaml")):
        document = _read(path)
        if document.name in files:
            raise Misconfigured(f"{path.name}: name: {files[document.name]} is called {document.name} too")
        files[document.name] = path.name
        documents.append(document)
    return Packs(documents)


def _read(path: Path) -> PackDocument:
    try:
        return read_pack(read_yaml(path))
    except Rejected as refusal:
        complaints = refusal.detail.split("; ")
        raise Misconfigured("; ".join(f"{path.name}: {complaint}" for complaint in complaints)) from None


def read_yaml(path: Path) -> Any:
    """What a file of YAML, or JSON, holds; Misconfigured where it cannot be read, is too large or repeats a name."""
    try:
        with path.open("rb") as file:
            written = file.read(PACK_BYTES_MAX + 1)
        if len(written) > PACK_BYTES_MAX:
            raise Misconfigured(f"{path.name}: at most {PACK_BYTES_MAX} bytes are read")
        return yaml.load(written.decode(), _EachKeyOnce)  # noqa: S506  a safe loader
    except OSError as error:
        raise Misconfigured(f"{path.name}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise Misconfigured(f"{path.name}: not YAML: it is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Misconfigured(f"{path.name}: not YAML: {' '.join(str(error).split())}") from None


class _EachKeyOnce(yaml.SafeLoader):
    """YAML whose keys are unique: of two rules of one name, one would silently do nothing.

    Without aliases too: a few lines of them stand for gigabytes.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            said = "an alias; write out what it stands for"
            raise yaml.composer.ComposerError(None, None, said, self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # as its stubs have it
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[Any]()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is written twice", key.start_mark)
            seen.add(name if isinstance(name, str) else id(key))
        return super().construct_mapping(node, deep)
