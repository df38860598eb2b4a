"""An agent: a sandbox of its own, and what may run in it."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from .._core.request import RequestOptions, body, get, path, post, query, rest_of
from .._core.sse import Place
from ..errors import UnexpectedAnswerError
from ..events import AnyEvent
from ..results import RetryResult, of_retry
from ..types import Agent as AgentData
from ..types import (
    AgentLogEntry,
    AgentState,
    ExecCodeParam,
    ExecResult,
    LangParam,
    LogLevelParam,
    Money,
    ResumeAgentParam,
    RunAgentParam,
    RunResult,
    SnapshotRef,
    Submitted,
    TaskPriorityParam,
)
from .agent_files import AsyncFiles
from .agent_ports import AsyncPorts
from .pages import AsyncPages
from .resource import AsyncResource
from .runs import AsyncRunStream, told
from .stream import AsyncStream, events
from .tasks import AsyncTasks, Input
from .transport import AsyncTransport

#: Seconds that the server gives code that is executed, and a little.
_EXEC = 130.0
#: Seconds that saving or bringing back a sandbox may take.
_MOVE = 120.0


class AsyncAgent(AsyncResource):
    """An agent. `data` is what the API last said of it; `status()` asks anew."""

    def __init__(self, transport: AsyncTransport, data: AgentData) -> None:
        super().__init__(transport)
        self.data = data
        self.id = data.id
        self.session_id = data.session_id
        #: Its files.
        self.files = AsyncFiles(transport, data.id)
        #: Its ports that can be reached from outside.
        self.ports = AsyncPorts(transport, data.id)
        self._tasks = AsyncTasks(transport, data.session_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, state={self.state!r})"

    @property
    def state(self) -> AgentState:
        """As of `data`."""
        return self.data.state

    @property
    def cost(self) -> Money:
        """As of `data`."""
        return self.data.cost

    @property
    def started_at(self) -> Optional[datetime]:
        return self.data.started_at

    def _path(self, rest: str = "") -> str:
        return path("/v1/agents/{agent_id}" + rest, agent_id=self.id)

    async def _submit(
        self,
        task: Input,
        max_steps: Optional[int],
        priority: Optional[TaskPriorityParam],
        webhook: Optional[str],
        options: Optional[RequestOptions],
    ) -> Submitted:
        content = body(
            RunAgentParam, task=task, max_steps=max_steps, priority=priority, webhook=webhook
        )
        request = post(self._path("/run"), content).with_options(options)
        return await self._transport.call(request, Submitted)

    async def run(
        self,
        task: Input,
        *,
        max_steps: Optional[int] = None,
        priority: Optional[TaskPriorityParam] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> RunResult:
        """Gives the agent a task and waits until it has ended.

        ```python
        result = await agent.run("Compare the prices of Vercel, Render and Railway")
        print(result.output, result.cost.amount)
        ```

        Raises:
            TaskFailedError: It failed; the error has the task and what it had said.
        """
        submitted = await self._submit(task, max_steps, priority, webhook, options)
        return await self._tasks.result(submitted.task_id, options=rest_of(options))

    def stream(
        self,
        task: Input,
        *,
        max_steps: Optional[int] = None,
        priority: Optional[TaskPriorityParam] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncRunStream:
        """Gives the agent a task and tells what it does, live: events of the types `text`,
        `tool_call`, `tool_result`, `progress` and `done`.

        The task is submitted when the first event is asked for.

        ```python
        async for event in agent.stream("Write a market analysis"):
            if event.type == "text":
                print(event.delta, end="")
        ```

        Raises:
            TaskFailedError: In place of `done`, when the task failed.
        """

        async def submit() -> str:
            return (await self._submit(task, max_steps, priority, webhook, options)).task_id

        return AsyncRunStream(told(self._tasks, submit, None, rest_of(options)))

    def events(
        self,
        *,
        from_start: bool = False,
        last_event_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncStream[AnyEvent]:
        """All events of the agent, over all of its tasks, until it is terminated.

        They begin with the task that is under way; `from_start` with the agent itself.
        """
        asked = query(from_="start") if from_start else {}
        request = get(
            self._path("/stream"), asked, accept="text/event-stream", idle=45.0
        ).with_options(options)
        place = Place(last_event_id)
        return AsyncStream(events(self._transport, request, place, of_task=False))

    async def exec(
        self,
        lang: LangParam,
        code: str,
        *,
        options: Optional[RequestOptions] = None,
    ) -> ExecResult:
        """Runs code in the sandbox, without a model, for up to 120 seconds.

        ```python
        result = await agent.exec("python", "print(2 + 2)")
        print(result.stdout, result.exit_code)
        ```

        Code that ends with another status than 0 is no error: look at `exit_code`.
        """
        content = body(ExecCodeParam, lang=lang, code=code)
        request = post(self._path("/exec"), content, patience=_EXEC).with_options(options)
        return await self._transport.call(request, ExecResult)

    async def status(self, *, options: Optional[RequestOptions] = None) -> AgentData:
        """The agent as it is now: `state`, `cost`, `compute_minutes`, `started_at` and the rest."""
        request = get(self._path()).with_options(options)
        self.data = await self._transport.call(request, AgentData)
        return self.data

    async def pause(self, *, options: Optional[RequestOptions] = None) -> SnapshotRef:
        """Saves the whole state and stops the compute, and with it its bill."""
        request = post(self._path("/pause"), patience=_MOVE).with_options(options)
        self.data = await self._transport.call(request, AgentData)
        if self.data.snapshot is None:
            raise UnexpectedAnswerError(
                f"The agent {self.id} is {self.data.state} and has no snapshot.",
                code="unexpected_answer",
            )
        return self.data.snapshot

    async def resume(
        self, *, snapshot_id: Optional[str] = None, options: Optional[RequestOptions] = None
    ) -> None:
        """Goes on where `pause()` stopped, or from a snapshot of your choice."""
        content = body(ResumeAgentParam, snapshot_id=snapshot_id)
        request = post(self._path("/resume"), content, patience=_MOVE).with_options(options)
        self.data = await self._transport.call(request, AgentData)

    async def retry(self, *, options: Optional[RequestOptions] = None) -> RetryResult:
        """Does the last task again, from scratch, with a fresh agent made of the same."""
        request = post(self._path("/retry")).with_options(options)
        submitted = await self._transport.call(request, Submitted)
        result = await self._tasks.result(submitted.task_id, options=rest_of(options))
        return of_retry(result, submitted.agent_id)

    async def terminate(self, *, options: Optional[RequestOptions] = None) -> None:
        """Ends the agent for good: its sandbox and its files are gone."""
        request = post(self._path("/terminate"), patience=_MOVE).with_options(options)
        await self._transport.send(request)

    def logs(
        self,
        *,
        level: Optional[LogLevelParam] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[AgentLogEntry]:
        """What happened to the agent, in words, newest first."""
        asked = query(level=level, limit=limit, cursor=cursor)
        request = get(self._path("/logs"), asked).with_options(options)
        return AsyncPages(self._transport, request, AgentLogEntry.from_dict)
