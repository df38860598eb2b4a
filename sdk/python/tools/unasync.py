"""Writes `theazo/_sync/` from `theazo/_async/`: the same code without waiting.

```sh
python tools/unasync.py            # writes it
python tools/unasync.py --check    # fails when it is not what it would write
```
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FROM, TO = HERE / "theazo" / "_async", HERE / "theazo" / "_sync"

#: In this order.
RULES = [
    (r"^ *# async only: begin\n(?:.*\n)*? *# async only: end\n", ""),
    (r"\bimport asyncio\n(import time\n)?", "import time\n"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bAsyncGenerator\[(.+), None\]", r"Generator[\1, None, None]"),
    (r"\bCallable\[\[\], Awaitable\[(\w+)\]\]", r"Callable[[], \1]"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsyncGenerator\b", "Generator"),
    (r"\bAwaitable, |, Awaitable\b", ""),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\bhttpx\.AsyncClient\b", "httpx.Client"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\b__anext__\b", "__next__"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\.aread\b", ".read"),
    (r"\.aclose\b", ".close"),
    (r"\.aiter_bytes\b", ".iter_bytes"),
    (r"\bAsyncTheazo\b", "Theazo"),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"\basync (def|for|with)\b", r"\1"),
    # `(await x).y` needs its brackets no more.
    (r"(?<!\w)\(await ([\w.]+\([^()]*(?:\([^()]*\)[^()]*)*\))\)", r"\1"),
    (r"\bawait ", ""),
]
HEAD = "# Made of theazo/_async/{name} by tools/unasync.py: do not edit.\n"


def synchronous(source: str, name: str) -> str:
    for pattern, replacement in RULES:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return HEAD.format(name=name) + once(source) if source else ""


def once(source: str) -> str:
    """Names that have become the same are imported once."""

    def unique(found: re.Match[str]) -> str:
        names = sorted(set(found.group(2).split(", ")))
        return f"{found.group(1)}{', '.join(names)}"

    return re.sub(r"^(from typing import )(.+)$", unique, source, flags=re.MULTILINE)


def main() -> None:
    stale = []
    names = {path.name for path in FROM.glob("*.py")}
    for path in TO.glob("*.py"):
        if path.name not in names:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.unlink()
    for name in sorted(names):
        path, content = TO / name, synchronous((FROM / name).read_text(), name)
        if path.exists() and path.read_text() == content:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(content)
    if stale and "--check" in sys.argv:
        sys.exit(
            f"theazo/_sync: {', '.join(stale)} not as theazo/_async has it: "
            "run `python tools/unasync.py`"
        )


if __name__ == "__main__":
    main()
