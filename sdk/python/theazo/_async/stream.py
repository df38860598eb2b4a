"""Streams of events, to be gone over once."""

from __future__ import annotations

import json
from types import TracebackType
from typing import AsyncGenerator, Generic, Optional, Type, TypeVar

from .._core.codec import DecodeError
from .._core.request import Request
from .._core.sse import Place
from ..errors import UnexpectedAnswerError
from ..events import AnyEvent, read
from .transport import AsyncTransport

E = TypeVar("E")


class AsyncStream(Generic[E]):
    """Events as they come. It connects by itself again, and gives no event twice.

    Leaving the `with` block, or `close()`, closes the connection; what is streamed goes on.
    """

    def __init__(self, events: AsyncGenerator[E, None]) -> None:
        self._events = events

    def __aiter__(self) -> AsyncStream[E]:
        return self

    async def __anext__(self) -> E:
        return await self._events.__anext__()

    async def close(self) -> None:
        await self._events.aclose()

    async def __aenter__(self) -> AsyncStream[E]:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()


async def events(
    transport: AsyncTransport, request: Request, place: Place, of_task: bool
) -> AsyncGenerator[AnyEvent, None]:
    """The events of a stream. That of a task ends with its `done` or `error`."""
    frames = transport.frames(request, place)
    try:
        async for frame in frames:
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
        await frames.aclose()
