"""What streams tell: one class for each event, told apart by `type`.

```python
for event in agent.stream("Write a report"):
    if event.type == "text":
        print(event.delta, end="")
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Literal, Optional, Type, Union

from ._core.codec import DecodeError, Model
from .types import Money, RunResult


@dataclass(frozen=True)
class TaskEvent(Model):
    """What all events have."""

    #: Where the stream is after it: give it as `last_event_id` to go on from here.
    event_id: Optional[str]


@dataclass(frozen=True)
class StatusEvent(TaskEvent):
    """Something began, waits, goes on, or is tried again."""

    status: str
    task_id: Optional[str] = None
    agent_id: Optional[str] = None
    attempt: Optional[int] = None
    reason: Optional[str] = None
    discarded_step: Optional[int] = None
    """The model call with this step broke off: its `text` and `thinking` are void."""
    type: Literal["status"] = "status"


@dataclass(frozen=True)
class ThinkingEvent(TaskEvent):
    """More of the reasoning that the model shows."""

    text: str
    step: int
    task_id: str
    type: Literal["thinking"] = "thinking"


@dataclass(frozen=True)
class TextEvent(TaskEvent):
    """More of the model's text: the deltas of one step, joined, are the text of that model call."""

    delta: str
    step: int
    task_id: str
    type: Literal["text"] = "text"


@dataclass(frozen=True)
class ToolCallEvent(TaskEvent):
    """The model asks for a tool."""

    id: str
    """The model's id of the call: the `tool_result` has the same."""
    name: str
    input: Any
    step: int
    task_id: str
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True)
class ToolResultEvent(TaskEvent):
    """What came of it."""

    id: str
    name: str
    output: str
    """What the model is told."""
    is_error: bool
    duration_ms: int
    step: int
    task_id: str
    type: Literal["tool_result"] = "tool_result"


@dataclass(frozen=True)
class ProgressEvent(TaskEvent):
    """What the agent says of its progress, 0 to 1."""

    progress: float
    task_id: str
    message: Optional[str] = None
    type: Literal["progress"] = "progress"


@dataclass(frozen=True)
class OutputEvent(TaskEvent):
    """The task's final text, whole; of a failed task, what there was of it."""

    text: str
    cost: Money
    task_id: str
    type: Literal["output"] = "output"


@dataclass(frozen=True)
class ErrorEvent(TaskEvent):
    """The task has failed or was cancelled, and this is its last event."""

    code: str
    message: str
    resumable: bool
    task_id: Optional[str] = None
    type: Literal["error"] = "error"


@dataclass(frozen=True)
class DoneEvent(TaskEvent):
    """The task is completed, and this is its last event."""

    result: RunResult
    task_id: str
    type: Literal["done"] = "done"


@dataclass(frozen=True)
class UnknownEvent(TaskEvent):
    """An event that this version does not know yet; the server is newer."""

    name: str
    data: Any
    type: Literal["unknown"] = "unknown"


#: What `agent.stream(task)`, `session.stream(…)` and `session.tasks.stream(id)` give.
StreamEvent = Union[TextEvent, ToolCallEvent, ToolResultEvent, ProgressEvent, DoneEvent]
#: What `session.tasks.events(id)` and `agent.events()` give: all there is.
AnyEvent = Union[
    StatusEvent,
    ThinkingEvent,
    TextEvent,
    ToolCallEvent,
    ToolResultEvent,
    ProgressEvent,
    OutputEvent,
    ErrorEvent,
    DoneEvent,
    UnknownEvent,
]

BY_NAME: Dict[str, Type[TaskEvent]] = {
    "status": StatusEvent,
    "thinking": ThinkingEvent,
    "text": TextEvent,
    "tool_call": ToolCallEvent,
    "tool_result": ToolResultEvent,
    "progress": ProgressEvent,
    "output": OutputEvent,
    "error": ErrorEvent,
    "done": DoneEvent,
}


def read(name: str, data: Any, event_id: Optional[str]) -> AnyEvent:
    """An event of the API as ours."""
    kind = BY_NAME.get(name)
    if kind is None:
        return UnknownEvent(event_id=event_id, name=name, data=data)
    if not isinstance(data, dict):
        raise DecodeError("its data is no object")
    given = dict(data)
    if "tool" in given:
        given["name"] = given.pop("tool")
    given["eventId"] = event_id
    made = kind.from_dict(given)
    return made  # type: ignore[return-value]


__all__ = [
    "AnyEvent",
    "DoneEvent",
    "ErrorEvent",
    "OutputEvent",
    "ProgressEvent",
    "StatusEvent",
    "StreamEvent",
    "TaskEvent",
    "TextEvent",
    "ThinkingEvent",
    "ToolCallEvent",
    "ToolResultEvent",
    "UnknownEvent",
]
