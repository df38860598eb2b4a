"""A session: one of your users, with what is isolated, limited and billed for them."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Union

from .._core.request import (
    NOT_GIVEN,
    NotGiven,
    Request,
    RequestOptions,
    body,
    get,
    path,
    post,
    query,
    rest_of,
)
from ..types import (
    AgentModelConfigParam,
    ComputeParam,
    Delivery,
    Limits,
    LimitsParam,
    MoneyParam,
    RunResult,
    SessionOptionsParam,
    SessionStatus,
    SessionUsage,
    TaskPriorityParam,
)
from ..types import Session as SessionData
from .agents import AsyncSessionAgents
from .pages import AsyncPages
from .resource import AsyncResource
from .runs import AsyncRunStream, told
from .tasks import AsyncTasks, Input
from .transport import AsyncTransport


class AsyncSession(AsyncResource):
    """A session. `data` is what the API last said of it; `refresh()` asks anew."""

    def __init__(self, transport: AsyncTransport, data: SessionData) -> None:
        super().__init__(transport)
        self.data = data
        self.id = data.id
        self.user_id = data.user_id
        #: Its agents.
        self.agents = AsyncSessionAgents(transport, data.id)
        #: Its tasks.
        self.tasks = AsyncTasks(transport, data.id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, user_id={self.user_id!r})"

    @property
    def status(self) -> SessionStatus:
        """As of `data`, like `limits`, `usage` and `metadata`."""
        return self.data.status

    @property
    def limits(self) -> Limits:
        return self.data.limits

    @property
    def usage(self) -> SessionUsage:
        return self.data.usage

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.data.metadata

    def _path(self, rest: str = "") -> str:
        return path("/v1/sessions/{session_id}" + rest, session_id=self.id)

    async def run(
        self,
        agent_type: str,
        task: Input,
        *,
        model: Optional[AgentModelConfigParam] = None,
        priority: Optional[TaskPriorityParam] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        max_steps: Optional[int] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> RunResult:
        """One task from its beginning to its end, on an agent that is made for it and goes with it.

        ```python
        result = await session.run("researcher", "analyze competitor pricing")
        print(result.output, result.cost.amount, result.tool_calls)
        ```

        `agent_type` is a definition, by name or id. `timeout` is in seconds.

        Raises:
            TaskFailedError: It failed; the error has the task and what it had said.
        """
        submitted = await self.tasks.submit(
            input=task,
            agent=agent_type,
            model=model,
            priority=priority,
            timeout=timeout,
            cost_cap=cost_cap,
            max_steps=max_steps,
            webhook=webhook,
            options=options,
        )
        return await self.tasks.result(submitted.id, options=rest_of(options))

    def stream(
        self,
        agent_type: str,
        task: Input,
        *,
        model: Optional[AgentModelConfigParam] = None,
        priority: Optional[TaskPriorityParam] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        max_steps: Optional[int] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncRunStream:
        """As `run`, and tells what is done, live. The task is submitted when the first event is
        asked for.

        ```python
        async for event in session.stream("researcher", "analyze competitor pricing"):
            if event.type == "text":
                print(event.delta, end="")
        ```
        """

        async def submit() -> str:
            submitted = await self.tasks.submit(
                input=task,
                agent=agent_type,
                model=model,
                priority=priority,
                timeout=timeout,
                cost_cap=cost_cap,
                max_steps=max_steps,
                webhook=webhook,
                options=options,
            )
            return submitted.id

        return AsyncRunStream(told(self.tasks, submit, None, rest_of(options)))

    async def refresh(self, *, options: Optional[RequestOptions] = None) -> AsyncSession:
        """The session as it is now."""
        self.data = await self._transport.call(get(self._path()).with_options(options), SessionData)
        return self

    async def update(
        self,
        *,
        limits: Optional[LimitsParam] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[ComputeParam] = None,
        webhook: Union[str, NotGiven, None] = NOT_GIVEN,
        options: Optional[RequestOptions] = None,
    ) -> AsyncSession:
        """Changes what is given; each is replaced whole. `webhook=None`: nobody is told any more.

        ```python
        await session.update(limits={"max_cost": {"amount": 900, "currency": "usd"}})
        ```
        """
        content = body(
            SessionOptionsParam,
            {"webhook": webhook},
            limits=limits,
            metadata=metadata,
            model=model,
            compute=compute,
        )
        request = Request("PATCH", self._path(), body=content).with_options(options)
        self.data = await self._transport.call(request, SessionData)
        return self

    async def end(self, *, options: Optional[RequestOptions] = None) -> AsyncSession:
        """Ends the session for good, and terminates its agents."""
        request = post(self._path("/end"), patience=120.0).with_options(options)
        self.data = await self._transport.call(request, SessionData)
        return self

    def deliveries(
        self,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[Delivery]:
        """How the webhook of the session's limits was delivered, newest first."""
        asked = query(limit=limit, cursor=cursor)
        request = get(self._path("/deliveries"), asked).with_options(options)
        return AsyncPages(self._transport, request, Delivery.from_dict)
