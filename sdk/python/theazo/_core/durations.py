"""Times to wait, as callers write them."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Optional, Union

from ..errors import ArgumentError

#: Seconds as a number, or a text like `"5m"`.
Duration = Union[str, float, timedelta]

_TEXT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(given: Duration, name: str = "timeout") -> float:
    """`"5m"`, `90`, `timedelta(minutes=5)`: all in seconds."""
    if isinstance(given, timedelta) and given >= timedelta(0):
        return given.total_seconds()
    if isinstance(given, str):
        parts = _TEXT.fullmatch(given.strip())
        if parts:
            return float(parts.group(1)) * _UNITS[parts.group(2)]
    elif not isinstance(given, bool) and isinstance(given, (int, float)) and given >= 0:
        return float(given)
    raise ArgumentError(f'`{name}` is {given!r}; it has to be a number of seconds, or like "5m".')


class Deadline:
    """How much is left of a wait that is made of several."""

    #: Seconds of one request: shorter than what proxies let a silent one live.
    SLICE = 25.0

    def __init__(self, timeout: Optional[Duration]) -> None:
        self._end = None if timeout is None else time.monotonic() + seconds(timeout)

    def slice(self) -> float:
        left = self.SLICE if self._end is None else self._end - time.monotonic()
        return max(min(left, self.SLICE), 0.0)

    @property
    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end
