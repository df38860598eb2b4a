# Made of theazo/_async/runs.py by tools/unasync.py: do not edit.
"""Runs, told as they go."""

from __future__ import annotations

from typing import Callable, Generator, Optional, TYPE_CHECKING

from .._core.request import RequestOptions
from ..errors import UnexpectedAnswerError, of_task
from ..events import StreamEvent
from ..types import RunResult
from .stream import Stream

if TYPE_CHECKING:
    from .tasks import Tasks


class RunStream(Stream[StreamEvent]):
    """The events of one run: `text`, `tool_call`, `tool_result`, `progress` and `done`.

    A run that fails or is cancelled raises in place of `done`.
    """

    _result: Optional[RunResult] = None

    def __next__(self) -> StreamEvent:
        event = super().__next__()
        if event.type == "done":
            self._result = event.result
        return event

    def result(self) -> RunResult:
        """Goes over what is left of it, if there is; what the run came to.

        ```python
        result = agent.stream("Write a market analysis").result()
        ```
        """
        for _ in self:
            pass
        if self._result is not None:
            return self._result
        raise UnexpectedAnswerError(
            "The stream has no `done` after the event that it began with, or was left before it.",
            code="unexpected_answer",
        )


def told(
    tasks: Tasks,
    submit: Callable[[], str],
    last_event_id: Optional[str],
    options: Optional[RequestOptions],
) -> Generator[StreamEvent, None, None]:
    """The events of the task that `submit` names, which is called when the first is asked for."""
    task_id = submit()
    events = tasks.events(task_id, last_event_id=last_event_id, options=options)
    try:
        for event in events:
            if event.type == "error":
                raise of_task(tasks.get(task_id, options=options))
            if event.type in ("status", "thinking", "output", "unknown"):
                continue
            yield event  # type: ignore[misc]
    finally:
        events.close()
