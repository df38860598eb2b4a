"""Answers of every shape that the API's document has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

DOCUMENT: Any = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
SCHEMAS: Dict[str, Any] = DOCUMENT["components"]["schemas"]


def example(schema: Any, full: bool = False) -> Any:
    """The smallest value that a schema allows; `full`: with all its fields."""
    if "$ref" in schema:
        return example(SCHEMAS[schema["$ref"].rsplit("/", 1)[1]], full)
    for key in ("oneOf", "anyOf"):
        if key in schema:
            some = [one for one in schema[key] if one.get("type") != "null"]
            return example(some[0], full)
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "null")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        fields = schema.get("properties", {})
        wanted = fields if full else schema.get("required", [])
        return {name: example(fields[name], full) for name in wanted}
    if kind == "string":
        formats = {"date-time": "2026-05-01T12:00:00.5Z", "date": "2026-05-01"}
        return formats.get(schema.get("format", ""), "text")
    plain: Dict[str, Any] = {"array": [], "integer": 7, "number": 1.5, "boolean": True}
    if kind == "array" and full:
        return [example(schema["items"], full)]
    return plain.get(kind)


def of(schema: str, /, **fields: Any) -> Any:
    """An example of a schema with some fields of one's own."""
    return {**example(SCHEMAS[schema]), **fields}


SESSION = of("Session", id="ses_1", userId="user_1")
AGENT = of("Agent", id="agt_1", sessionId="ses_1", state="idle", status="idle")
TASK = of("Task", id="task_1", taskId="task_1", sessionId="ses_1", agentId="agt_1", status="queued")
DONE_TASK = {**TASK, "status": "completed", "output": "42"}


def operations() -> Iterator[Tuple[str, str, str, Any]]:
    """Each operation: its name, its method, its path, and all of it."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), path, operation


def success(operation: Any) -> Tuple[int, str, Optional[Any]]:
    """What an operation answers when all is well."""
    status = min(code for code in operation["responses"] if code.startswith("2"))
    for kind, content in operation["responses"][status].get("content", {}).items():
        return int(status), kind, content["schema"]
    return int(status), "", None
