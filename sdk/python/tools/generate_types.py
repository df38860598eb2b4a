"""Writes `theazo/types/models.py` and `theazo/types/params.py` from `sdk/openapi.json`.

```sh
python tools/generate_types.py            # writes them
python tools/generate_types.py --check    # fails when they are not what it would write
```

What the API answers becomes frozen dataclasses, what it takes becomes TypedDicts. Names are those
of the API in snake_case.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

HERE = Path(__file__).resolve().parent.parent
# Not through the package, which does not load when its types are stale.
sys.path.insert(0, str(HERE / "theazo" / "_core"))

from names import camel, snake  # type: ignore[import-not-found]  # noqa: E402

DOCUMENT = HERE.parent / "openapi.json"
OUT = HERE / "theazo" / "types"

#: Names that say too little outside of the document.
RENAMED = {
    "Broken": "BrokenLink",
    "Credentials": "ProviderCredentials",
    "Event": "AuditEvent",
    "Exec": "ExecCode",
    "Failure": "AgentFailure",
    "Input": "TaskInput",
    "Level": "LogLevel",
    "OfDefinition": "DefinitionRef",
    "Model": "AgentModelConfig",
    "Period": "LimitPeriod",
    "State": "AgentState",
    "Usage": "SessionUsage",
}
#: Hand-written elsewhere, or plumbing that no caller sees.
PAGES = ("PageBody_", "Breakdown_")
SKIPPED = (*PAGES, "Error", "RawBytes", "UsageRows", "Ok")
#: Shown once, so never by `repr`.
SECRET = (("ApiKey", "key"), ("WebhookSecret", "secret"))
PRIMITIVES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


class Writer:
    """One of the two files: `params` or `models`."""

    def __init__(self, schemas: Dict[str, Any], params: bool) -> None:
        self.schemas = schemas
        self.params = params

    def name(self, schema: str) -> str:
        name = RENAMED.get(schema, schema)
        return name + "Param" if self.params else name

    def type_of(self, schema: Any) -> str:
        if schema is True or not schema:
            return "Any"
        if "$ref" in schema:
            return self.name(schema["$ref"].rsplit("/", 1)[1])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.union(schema[key])
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "null" in kinds:
            rest = {**schema, "type": [kind for kind in kinds if kind != "null"]}
            return f"Optional[{self.type_of(rest)}]"
        if "enum" in schema:
            return self.enum(schema["enum"])
        return self.plain(kinds[0] if kinds else "", schema)

    def enum(self, words: List[str]) -> str:
        literal = "Literal[" + ", ".join(json.dumps(word) for word in words) + "]"
        # A newer server may answer a word that is not in the list yet.
        return literal if self.params else f"Union[{literal}, str]"

    def union(self, options: List[Any]) -> str:
        some = [option for option in options if option.get("type") != "null"]
        types = [self.type_of(option) for option in some]
        inner = types[0] if len(types) == 1 else f"Union[{', '.join(types)}]"
        return inner if len(some) == len(options) else f"Optional[{inner}]"

    def plain(self, kind: str, schema: Any) -> str:
        if kind == "array":
            return f"List[{self.type_of(schema['items'])}]"
        if kind == "object":
            values = schema.get("additionalProperties")
            return f"Dict[str, {self.type_of(values) if isinstance(values, dict) else 'Any'}]"
        if schema.get("format") in ("date-time", "date"):
            of = "datetime" if schema["format"] == "date-time" else "date"
            return f"Union[{of}, str]" if self.params else of
        return PRIMITIVES.get(kind, "Any")

    def fields(self, schema_name: str) -> Tuple[List[str], List[str]]:
        """Those that are always there, and the others."""
        required: List[str] = []
        optional: List[str] = []
        schema = self.schemas[schema_name]
        for name, of in schema["properties"].items():
            own = snake(name)
            if camel(own) != name:
                raise SystemExit(f"`{name}` does not come back from `{own}`: mend names.py")
            needed = name in schema.get("required", [])
            kind = self.type_of(of)
            if not self.params and not needed:
                kind = kind if kind.startswith("Optional") else f"Optional[{kind}]"
                kind += " = None"
            if not self.params and (schema_name, name) in SECRET:
                default = "" if needed else "default=None, "
                kind = f"{kind.replace(' = None', '')} = field({default}repr=False)"
            lines = wrapped(f"    {own}: {kind}") + doc(of.get("description"), "    ")
            (required if needed else optional).extend(lines)
        return required, optional

    def write(self, schema_name: str) -> List[str]:
        schema, name = self.schemas[schema_name], self.name(schema_name)
        if "properties" not in schema:
            about = [f"#: {line}" for line in text(schema.get("description"), 92)]
            return [*about, *wrapped(f"{name} = {self.type_of(schema)}")]
        required, optional = self.fields(schema_name)
        about = doc(schema.get("description"), "    ")
        if not self.params:
            body = [*about, *([""] if about else []), *required, *optional]
            return ["@dataclass(frozen=True)", f"class {name}(Model):", *(body or ["    pass"])]
        base, head = "TypedDict", []
        if required and optional:
            base = f"_{name}"
            head = [f"class {base}(TypedDict):", *required, "", ""]
        total = "" if required and not optional else ", total=False"
        body = [*about, *([""] if about else []), *(optional or required)]
        return [*head, f"class {name}({base}{total}):", *(body or ["    pass"])]


def text(description: Any, width: int) -> List[str]:
    paragraphs = str(description or "").strip().split("\n\n")
    lines: List[str] = []
    for paragraph in paragraphs:
        lines += [*textwrap.wrap(paragraph.replace("\\", "\\\\"), width), ""]
    return lines[:-1] if description else []


def doc(description: Any, indent: str) -> List[str]:
    lines = text(description, 90 - len(indent))
    if not lines:
        return []
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    first, *rest = lines
    return [f'{indent}"""{first}', *((indent + line).rstrip() for line in rest), f'{indent}"""']


def wrapped(line: str) -> List[str]:
    """Long unions, broken within their brackets."""
    if len(line) <= 100:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    head, _, rest = line.partition("[")
    inner, _, tail = rest.rpartition("]")
    lines = textwrap.wrap(inner, 88 - len(indent), break_on_hyphens=False)
    return [f"{head}[", *(f"{indent}    {part}" for part in lines), f"{indent}]{tail}"]


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def reached(schemas: Dict[str, Any], roots: Set[str]) -> List[str]:
    """What the roots lead to, what a type needs before the type itself, and else by name."""
    order: List[str] = []
    seen: Set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for inner in sorted(set(refs(schemas[name]))):
            visit(inner)
        order.append(name)

    for root in sorted(roots):
        visit(root)
    return [name for name in order if not name.startswith(SKIPPED) and name != "StreamEvent"]


def operations(document: Any) -> Iterator[Any]:
    for path in document["paths"].values():
        yield from path.values()


HEAD = '''"""{what}

Generated from the API's own document by tools/generate_types.py: do not edit.
"""

from __future__ import annotations

{imports}
'''


def render(document: Any) -> Dict[str, str]:
    schemas = document["components"]["schemas"]
    asked = {name for op in operations(document) for name in refs(op.get("requestBody"))}
    # What lists can be filtered by is written out in the document.
    asked |= {name for name, schema in schemas.items() if "enum" in schema}
    answered = {name for op in operations(document) for name in refs(op["responses"])}
    # A page has its items written out; they have their own name as well.
    answered |= {name.split("_", 1)[1] for name in answered if name.startswith(PAGES)}
    files = {}
    for file, roots, params in (("models", answered, False), ("params", asked, True)):
        writer = Writer(schemas, params)
        names = reached(schemas, roots)
        if not params:
            names = [name for name in names if not name.endswith("Event") or name == "Event"]
        blocks = ["\n".join(writer.write(name)) for name in names]
        body = "\n\n\n".join(blocks)
        typing = ["Any", "Dict", "List", "Literal", "Optional", "TypedDict", "Union"]
        used = [
            name
            for name in typing
            if f"{name}[" in body or f"({name}" in body or (name == "Any" and "Any" in body)
        ]
        imports = f"from typing import {', '.join(used)}\n"
        times = [
            name
            for name in ("date", "datetime")
            if f"{name}\n" in body
            or f"{name}]" in body
            or f"{name}," in body
            or f"[{name}" in body
            or f": {name} " in body
        ]
        if times:
            imports = f"from datetime import {', '.join(times)}\n" + imports
        if params:
            what = "What the API takes."
        else:
            what = "What the API answers."
            imports = "from dataclasses import dataclass, field\n" + imports
            imports += "\nfrom .._core.codec import Model\n"
        exported = ",\n".join(
            f'    "{writer.name(name)}"' for name in sorted(names, key=writer.name)
        )
        head = HEAD.format(what=what, imports=imports)
        files[f"{file}.py"] = f"{head}\n{body}\n\n\n__all__ = [\n{exported},\n]\n"
    return files


def main() -> None:
    document = json.loads(DOCUMENT.read_text())
    stale = []
    for name, content in render(document).items():
        path = OUT / name
        if path.exists() and path.read_text() == content:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(content)
    if stale and "--check" in sys.argv:
        sys.exit(
            f"theazo/types: {', '.join(stale)} not as sdk/openapi.json has it: "
            "run `python tools/generate_types.py`"
        )


if __name__ == "__main__":
    main()
