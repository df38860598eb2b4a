"""What is generated is what would be generated now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("tool", ["generate_types", "unasync"])
def test_it_is_fresh(tool: str) -> None:
    command = [sys.executable, str(HERE / "tools" / f"{tool}.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
