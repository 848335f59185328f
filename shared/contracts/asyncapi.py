"""The AsyncAPI 3.0 document: topics as channels, who sends and receives what, messages with their examples."""

from inspect import getdoc
from typing import Any, Final

from shared.contracts.fields import Contract
from shared.contracts.schemas import example_event
from shared.contracts.topics import TOPICS, TYPE_OF, Topic

SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
CONTENT_TYPE: Final = "application/cloudevents+json"
BINDING_VERSION: Final = "0.5.0"
SERVICES: Final = ("ingest", "strategy", "contact", "reporting")
_KEYS: Final = {
    "account": "the account id",
    "customer": "the customer id",
    "none": "no key: one partition, read by all",
}


def asyncapi(version: str) -> dict[str, Any]:
    """The whole document; payloads refer to the schema files beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Arrears events",
            "version": version,
            "description": "CloudEvents 1.0 over Apache Kafka between core banking and the four services of Arrears.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: body for service in SERVICES for name, body in _operations(service)},
        "components": {"messages": {TYPE_OF[c]: _message(topic, c) for topic in TOPICS for c in topic.contracts}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    binding: dict[str, Any] = {"topic": topic.name, "bindingVersion": BINDING_VERSION}
    if topic.broadcast:
        binding["partitions"] = 1
    return {
        "address": topic.name,
        "description": f"Published by {publisher(topic)}, read by {', '.join(topic.consumers)}. {partitioning(topic)} "
        f"What a reader refuses goes to {topic.dead_letter}.",
        "messages": {c.__name__: {"$ref": f"#/components/messages/{TYPE_OF[c]}"} for c in topic.contracts},
        "bindings": {"kafka": binding},
    }


def publisher(topic: Topic) -> str:
    """Who writes to the topic, in words."""
    return "core banking" if topic.publisher == "core" else topic.publisher


def partitioning(topic: Topic) -> str:
    """How records are spread, in one sentence."""
    if topic.broadcast:
        return "One partition, read whole by every shard; records need no key."
    return (
        f"Keyed by {_KEYS[topic.key]} (UTF-8, Kafka's default partitioner); keyed topics have equal partition counts."
    )


def _operations(service: str) -> list[tuple[str, dict[str, Any]]]:
    receives = [(f"{service}.receive.{t.name}", _operation("receive", t)) for t in TOPICS if service in t.consumers]
    sends = [(f"{service}.send.{t.name}", _operation("send", t)) for t in TOPICS if service == t.publisher]
    return receives + sends


def _operation(action: str, topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{c.__name__}"} for c in topic.contracts],
    }


def _message(topic: Topic, contract: type[Contract]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": TYPE_OF[contract],
        "title": contract.__name__,
        "summary": getdoc(contract),
        "contentType": CONTENT_TYPE,
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{TYPE_OF[contract]}.json"}},
        "examples": [{"name": contract.__name__, "payload": example_event(contract)}],
    }
    if topic.key != "none":
        key = {"type": "string", "description": _KEYS[topic.key]}
        message["bindings"] = {"kafka": {"key": key, "bindingVersion": BINDING_VERSION}}
    return message
