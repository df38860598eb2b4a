"""What a client keeps between its calls, and what it saw of the last ones."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import List, Mapping, Optional

from .answer import Answer


class Position:
    """How far the log was when this client last wrote: reads wait until the server has got there,
    whichever of its processes answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: Optional[int] = None

    @property
    def at(self) -> Optional[int]:
        return self._at

    def note(self, headers: Mapping[str, str]) -> None:
        text = headers.get("x-theazo-position", "")
        if text.isascii() and text.isdigit():
            with self._lock:
                self._at = max(int(text), self._at or 0)


class State:
    """What a client and its copies share."""

    def __init__(self) -> None:
        self.position = Position()
        #: Whether the credentials of `compute` are in the vault.
        self.compute_is_set = False


#: Where `with_response` wants the answers of its own call.
ANSWERS: ContextVar[Optional[List[Answer]]] = ContextVar("theazo_answers", default=None)


def record(answer: Answer) -> None:
    answers = ANSWERS.get()
    if answers is not None:
        answers.append(answer)
