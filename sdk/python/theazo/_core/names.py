"""Names: `max_cost` in Python is `maxCost` in the API."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def camel(name: str) -> str:
    """The API's name of a field; `from_` is `from`, which Python keeps for itself."""
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


def snake(name: str) -> str:
    """Python's name of a field of the API."""
    words = _HUMP.sub(lambda hump: "_" + hump.group(1).lower(), name)
    return words + "_" if words in ("from", "class", "import") else words
