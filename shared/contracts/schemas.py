"""One JSON Schema (2020-12) per event, envelope and data, generated from the models."""

from inspect import getdoc
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from shared.contracts.envelope import encode, envelope_of
from shared.contracts.examples import EXAMPLES, RECORDED_AT
from shared.contracts.fields import Contract
from shared.contracts.glossary import meaning
from shared.contracts.topics import TOPIC_OF, TYPE_OF

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_AMOUNTS: Final = {"Amount", "AmountDue"}


class _Untitled(GenerateJsonSchema):
    """pydantic's generator without a title for each field: it would only repeat the name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def event_schema(contract: type[Contract]) -> JsonSchemaValue:
    """The schema of a structured-mode record of that event; `$defs` holds its data and what that is made of."""
    event_type = TYPE_OF[contract]
    envelope = envelope_of(event_type, contract)
    schema = TypeAdapter(envelope).json_schema(schema_generator=_Untitled)
    defs = schema.setdefault("$defs", {})
    _describe(schema, envelope)
    for kind in _models(contract):
        _describe(defs[kind.__name__], kind)
    _name_amounts(schema, defs)
    return {
        "$schema": DIALECT,
        "$id": f"urn:{event_type.replace('.', ':')}",
        "title": contract.__name__,
        "description": getdoc(contract),
        **{key: schema[key] for key in ("type", "properties", "required")},
        "$defs": dict(sorted(defs.items())),
        "examples": [example_event(contract)],
    }


def example_event(contract: type[Contract]) -> Any:
    """The example of an event as it goes over the wire."""
    example = EXAMPLES[contract]
    topic = TOPIC_OF[contract]
    subject = getattr(example, f"{topic.key}_id", None) or topic.name
    source = "core-banking" if topic.publisher == "core" else f"arrears/{topic.publisher}.facts.0"
    wire = encode(example, event_id=f"{topic.publisher}-88123", source=source, subject=subject, time=RECORDED_AT)
    return _parsed(wire)


def _parsed(wire: bytes) -> Any:
    return TypeAdapter(dict[str, Any]).validate_json(wire)


def _models(contract: type[Contract]) -> list[type[Contract]]:
    """The contract and the models nested in its fields."""
    nested = [model for field in contract.model_fields.values() for model in _contracts_in(field.annotation)]
    return [contract, *(model for kind in nested for model in _models(kind))]


def _contracts_in(annotation: Any) -> list[type[Contract]]:
    if isinstance(annotation, type) and issubclass(annotation, Contract):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _contracts_in(part)]


def _describe(schema: JsonSchemaValue, contract: type[Contract]) -> None:
    for name, field in schema["properties"].items():
        field["description"] = meaning(contract, name)


def _name_amounts(node: Any, defs: dict[str, Any]) -> None:
    """Move each amount written out in place into `$defs`, once."""
    children = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
    for key, child in children:
        if not isinstance(child, (dict, list)) or (node is defs and key in _AMOUNTS):
            continue
        if isinstance(child, dict) and child.get("title") in _AMOUNTS:
            node[key] = {"$ref": f"#/$defs/{child['title']}"}
            if "description" in child:
                node[key]["description"] = child.pop("description")
            defs[child["title"]] = child
        else:
            _name_amounts(child, defs)
