"""Builds the wheel, looks at what is in it, and uses it from an empty environment.

```sh
python tests/package.py
```
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import List

from tests.conftest import KEY
from tests.scripted import Server, answer
from tests.shapes import SESSION

HERE = Path(__file__).resolve().parent.parent
#: Bytes; it grows with the API, not by accident.
LIMIT = 120 * 1024

USE = """
import asyncio, os
from theazo import AsyncTheazo, Theazo, __version__

session = Theazo().sessions.for_user("user_1")
assert session.id == "ses_1", session

async def main():
    async with AsyncTheazo() as client:
        return await client.sessions.for_user("user_1")

assert asyncio.run(main()).id == "ses_1"
print("theazo", __version__)
"""
TYPED = """
from theazo import Theazo

client = Theazo()
session = client.sessions.create(user_id="u", limits={"max_agents": 3})
amount: int = session.run("researcher", "x").cost.amount
for event in session.agents.create().stream("x"):
    if event.type == "text":
        print(event.delta)
"""
WRONG = """
from theazo import Theazo

client = Theazo()
client.sessions.create(user="u")
client.sessions.create(user_id="u", limits={"max_agent": 3})
client.sessions.get("ses_1").tasks.submit(agent="coder", input="x", priority="urgent")
client.sessions.get("ses_1").run("coder", "x").costs
"""


def run(*command: str, **env: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("THEAZO_", "PYTHONPATH"))}
    done = subprocess.run(
        command, env={**clean, **env}, cwd=tempfile.gettempdir(), text=True, capture_output=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(HERE))
    assert list(folder.glob("theazo-*.tar.gz")), "there is no source package"
    return next(folder.glob("theazo-*.whl"))


def contents(wheel: Path) -> None:
    names: List[str] = zipfile.ZipFile(wheel).namelist()
    code = {str(path.relative_to(HERE)) for path in (HERE / "theazo").rglob("*.py")}
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == code | {"theazo/py.typed"}, inside ^ (code | {"theazo/py.typed"})
    size = wheel.stat().st_size
    assert size <= LIMIT, f"the wheel has {size} bytes; at most {LIMIT}"
    print(f"{wheel.name}: {len(names)} files, {size} bytes")


def use(folder: Path, wheel: Path) -> None:
    """From an environment that has nothing else."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    server = Server()
    server.replies = [answer(SESSION)]
    print(run(python, "-c", USE, THEAZO_API_KEY=KEY, THEAZO_BASE_URL=server.url).strip())
    server.close()
    check = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python)
    cache = ("--cache-dir", str(folder / "cache"))
    (folder / "typed.py").write_text(TYPED)
    (folder / "wrong.py").write_text(WRONG)
    run(*check, *cache, str(folder / "typed.py"))
    found = subprocess.run(
        [*check, *cache, str(folder / "wrong.py")], capture_output=True, text=True
    ).stdout
    for line in (5, 6, 7, 8):
        assert f"wrong.py:{line}: error" in found, f"line {line} is not found wrong:\n{found}"
    print("typed: what is right passes `mypy --strict`, what is wrong does not")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        contents(wheel)
        use(folder, wheel)


if __name__ == "__main__":
    main()
