"""Runs, told as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, AsyncGenerator, Awaitable, Callable, Optional

from .._core.request import RequestOptions
from ..errors import UnexpectedAnswerError, of_task
from ..events import StreamEvent
from ..types import RunResult
from .stream import AsyncStream

if TYPE_CHECKING:
    from .tasks import AsyncTasks


class AsyncRunStream(AsyncStream[StreamEvent]):
    """The events of one run: `text`, `tool_call`, `tool_result`, `progress` and `done`.

    A run that fails or is cancelled raises in place of `done`.
    """

    _result: Optional[RunResult] = None

    async def __anext__(self) -> StreamEvent:
        event = await super().__anext__()
        if event.type == "done":
            self._result = event.result
        return event

    async def result(self) -> RunResult:
        """Goes over what is left of it, if there is; what the run came to.

        ```python
        result = await agent.stream("Write a market analysis").result()
        ```
        """
        async for _ in self:
            pass
        if self._result is not None:
            return self._result
        raise UnexpectedAnswerError(
            "The stream has no `done` after the event that it began with, or was left before it.",
            code="unexpected_answer",
        )


async def told(
    tasks: AsyncTasks,
    submit: Callable[[], Awaitable[str]],
    last_event_id: Optional[str],
    options: Optional[RequestOptions],
) -> AsyncGenerator[StreamEvent, None]:
    """The events of the task that `submit` names, which is called when the first is asked for."""
    task_id = await submit()
    events = tasks.events(task_id, last_event_id=last_event_id, options=options)
    try:
        async for event in events:
            if event.type == "error":
                raise of_task(await tasks.get(task_id, options=options))
            if event.type in ("status", "thinking", "output", "unknown"):
                continue
            yield event  # type: ignore[misc]
    finally:
        await events.close()
