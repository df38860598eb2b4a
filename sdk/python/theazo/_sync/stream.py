# Made of theazo/_async/stream.py by tools/unasync.py: do not edit.
"""Streams of events, to be gone over once."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Generator, Generic, Optional, Type, TypeVar

from .._core.codec import DecodeError
from .._core.request import Request
from .._core.sse import Place
from ..errors import UnexpectedAnswerError
from ..events import AnyEvent, read
from .transport import Transport

E = TypeVar("E")


class Stream(Generic[E]):
    """Events as they come. It connects by itself again, and gives no event twice.

    Leaving the `with` block, or `close()`, closes the connection; what is streamed goes on.
    """

    def __init__(self, events: Generator[E, None, None]) -> None:
        self._events = events

    def __iter__(self) -> Stream[E]:
        return self

    def __next__(self) -> E:
        return self._events.__next__()

    def close(self) -> None:
        self._events.close()

    def __enter__(self) -> Stream[E]:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def events(
    transport: Transport, request: Request, place: Place, of_task: bool
) -> Generator[AnyEvent, None, None]:
    """The events of a stream. That of a task ends with its `done` or `error`."""
    frames = transport.frames(request, place)
    try:
        for frame in frames:
            try:
                event = read(frame.event, json.loads(frame.data), frame.id)
            except (ValueError, DecodeError) as error:
                raise UnexpectedAnswerError(
                    f"The stream has an event `{frame.event}` that cannot be read: {error}",
                    code="unexpected_answer",
                ) from None
            if event.type == "error" and event.resumable:
                continue
            place.over = of_task and event.type in ("done", "error")
            yield event
            if place.over:
                return
    finally:
        frames.close()
