# Made of theazo/_async/tasks.py by tools/unasync.py: do not edit.
"""The tasks of a session."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Union

from .._core.durations import Deadline, Duration
from .._core.request import RequestOptions, body, get, path, post, query
from .._core.sse import Place
from ..errors import of_task
from ..events import AnyEvent
from ..types import (
    AgentModelConfigParam,
    Delivery,
    MoneyParam,
    RunResult,
    Step,
    SubmitTaskParam,
    Task,
    TaskPriorityParam,
    TaskStatusParam,
)
from .pages import Pages
from .resource import Resource
from .runs import RunStream, told
from .stream import Stream, events
from .transport import Transport

#: What to do: a text, or an object that the model sees as JSON.
Input = Union[str, Mapping[str, Any]]


class Tasks(Resource):
    """`session.tasks`: work that goes on by itself, to be looked at when you like."""

    def __init__(self, transport: Transport, session_id: str) -> None:
        super().__init__(transport)
        self._session_id = session_id

    def _path(self, rest: str = "", **parts: str) -> str:
        return path("/v1/sessions/{session_id}/tasks" + rest, session_id=self._session_id, **parts)

    def submit(
        self,
        *,
        input: Input,
        agent: Optional[str] = None,
        agent_id: Optional[str] = None,
        model: Optional[AgentModelConfigParam] = None,
        priority: Optional[TaskPriorityParam] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        max_steps: Optional[int] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Task:
        """Submits a task and answers at once.

        `agent` is a definition, by name or id: an agent is made of it, and goes when the task has
        ended. Or `agent_id` is an agent that is there. `timeout` is in seconds.

        ```python
        task = session.tasks.submit(agent="researcher", input={"query": "pricing"})
        done = session.tasks.wait(task.id, timeout="5m")
        ```
        """
        content = body(
            SubmitTaskParam,
            input=input,
            agent=agent,
            agent_id=agent_id,
            model=model,
            priority=priority,
            timeout=timeout,
            cost_cap=cost_cap,
            max_steps=max_steps,
            webhook=webhook,
        )
        request = post(self._path(), content).with_options(options)
        return self._transport.call(request, Task)

    def get(self, task_id: str, *, options: Optional[RequestOptions] = None) -> Task:
        """The task as it is now.

        ```python
        task = session.tasks.get("task_…")
        print(task.status, task.progress, task.message)
        ```
        """
        request = get(self._path("/{task_id}", task_id=task_id)).with_options(options)
        return self._transport.call(request, Task)

    def list(
        self,
        *,
        status: Optional[TaskStatusParam] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[Task]:
        """The session's tasks, newest first, without their tool calls. `limit` is of one page.

        ```python
        for task in session.tasks.list(status="failed"):
            print(task.id, task.error)
        ```
        """
        asked = query(status=status, limit=limit, cursor=cursor)
        request = get(self._path(), asked).with_options(options)
        return Pages(self._transport, request, Task.from_dict)

    def wait(
        self,
        task_id: str,
        *,
        timeout: Optional[Duration] = None,
        options: Optional[RequestOptions] = None,
    ) -> Task:
        """Waits until the task has ended, or for `timeout`: seconds, or like `"5m"`.

        Answers with the task as it then is, so look at its `status`. Without `timeout` it waits for
        as long as the task takes.
        """
        deadline = Deadline(timeout)
        where = self._path("/{task_id}/wait", task_id=task_id)
        while True:
            patience = deadline.slice()
            asked = query(timeout=f"{int(patience * 1000)}ms")
            request = get(where, asked, patience=patience).with_options(options)
            task = self._transport.call(request, Task)
            if deadline.is_over or task.status in ("completed", "failed", "cancelled"):
                return task

    def result(self, task_id: str, *, options: Optional[RequestOptions] = None) -> RunResult:
        """Waits until the task has ended, and answers with what it came to.

        Raises:
            TaskFailedError: It failed; the error has the task and what it had said.
            TaskCancelledError: It was cancelled.
        """
        task = self.wait(task_id, options=options)
        if task.status != "completed":
            raise of_task(task)
        return RunResult(
            artifacts=task.artifacts,
            cost=task.cost,
            duration=task.duration,
            output=task.output or "",
            task_id=task.id,
            tool_calls=task.tool_calls or [],
        )

    def cancel(self, task_id: str, *, options: Optional[RequestOptions] = None) -> Task:
        """Cancels a task, queued or running. What it has cost so far is billed."""
        request = post(self._path("/{task_id}/cancel", task_id=task_id), patience=30.0)
        return self._transport.call(request.with_options(options), Task)

    def steps(
        self,
        task_id: str,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[Step]:
        """What the run was made of: each call of the model and of a tool."""
        asked = query(limit=limit, cursor=cursor)
        request = get(self._path("/{task_id}/steps", task_id=task_id), asked)
        return Pages(self._transport, request.with_options(options), Step.from_dict)

    def stream(
        self,
        task_id: str,
        *,
        last_event_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> RunStream:
        """What a task does, from its beginning to its end, or after `last_event_id`: events of the
        types `text`, `tool_call`, `tool_result`, `progress` and `done`.

        ```python
        for event in session.tasks.stream(task.id):
            if event.type == "text":
                print(event.delta, end="")
        ```

        Raises:
            TaskFailedError: In place of `done`, when the task failed.
        """

        def known() -> str:
            return task_id

        return RunStream(told(self, known, last_event_id, options))

    def events(
        self,
        task_id: str,
        *,
        last_event_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Stream[AnyEvent]:
        """All events of a task, as the API has them. One that fails ends with an event of type
        `error`, which is not raised.

        ```python
        for event in session.tasks.events(task.id):
            print(event.type)
        ```
        """
        request = get(
            self._path("/{task_id}/stream", task_id=task_id), accept="text/event-stream", idle=45.0
        ).with_options(options)
        place = Place(last_event_id)
        return Stream(events(self._transport, request, place, of_task=True))

    def artifact(
        self, task_id: str, artifact: str, *, options: Optional[RequestOptions] = None
    ) -> bytes:
        """A file that the task made, by its path in `task.artifacts`. It outlives the agent."""
        request = get(
            self._path("/{task_id}/artifacts", task_id=task_id),
            query(path=artifact),
            accept="application/octet-stream",
        )
        return self._transport.send(request.with_options(options)).body

    def deliveries(
        self,
        task_id: str,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[Delivery]:
        """How the webhook of a task was delivered."""
        asked = query(limit=limit, cursor=cursor)
        request = get(self._path("/{task_id}/deliveries", task_id=task_id), asked)
        return Pages(self._transport, request.with_options(options), Delivery.from_dict)
