"""Sessions: one for each of your users."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Union

from .._core.config import own_compute
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
    ConfigureProviderParam,
    CreateSessionBodyParam,
    LimitsParam,
    Provider,
    SessionOptionsParam,
    SessionStatusParam,
)
from ..types import Session as SessionData
from .pages import AsyncPages
from .resource import AsyncResource
from .session import AsyncSession


class AsyncSessions(AsyncResource):
    """`client.sessions`."""

    async def create(
        self,
        *,
        user_id: str,
        limits: Optional[LimitsParam] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[ComputeParam] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncSession:
        """Makes a new session for a user, whatever others they have.

        `webhook` is a URL that is told when a limit is nearly used up, and when it is reached.

        ```python
        session = await client.sessions.create(
            user_id="user_123",
            limits={
                "max_cost": {"amount": 500, "currency": "usd", "period": "day"},
                "max_agents": 3,
            },
            metadata={"plan": "pro"},
        )
        ```
        """
        content = body(
            CreateSessionBodyParam,
            user_id=user_id,
            limits=limits,
            metadata=metadata,
            model=model,
            compute=compute or await self._own_compute(),
            webhook=webhook,
        )
        return await self._session(post("/v1/sessions", content).with_options(options))

    async def for_user(
        self,
        user_id: str,
        *,
        limits: Optional[LimitsParam] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[ComputeParam] = None,
        webhook: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncSession:
        """The user's session: the one there is, unchanged, or a new one with what is given.

        Call it on every request; there is no id to remember.

        ```python
        session = await client.sessions.for_user("user_123", limits={"max_agents": 3})
        ```
        """
        content = body(
            SessionOptionsParam,
            limits=limits,
            metadata=metadata,
            model=model,
            compute=compute or await self._own_compute(),
            webhook=webhook,
        )
        where = path("/v1/sessions/by-user/{user_id}", user_id=user_id)
        session = await self._session(post(where, content).with_options(options))
        own, _ = own_compute(self._transport.config)
        # One that was there before says nothing of this client's compute: it is told.
        if own and not compute and not session.data.compute and session.status != "ended":
            await session.update(compute=own, options=rest_of(options))
        return session

    async def get(
        self, session_id: str, *, options: Optional[RequestOptions] = None
    ) -> AsyncSession:
        """The session with this id."""
        where = path("/v1/sessions/{session_id}", session_id=session_id)
        return await self._session(get(where).with_options(options))

    def list(
        self,
        *,
        user_id: Optional[str] = None,
        status: Optional[SessionStatusParam] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[AsyncSession]:
        """Sessions, newest first. `limit` is of one page.

        ```python
        async for session in client.sessions.list(status="active"):
            print(session.user_id, session.usage.cost.amount)
        ```
        """
        asked = query(user_id=user_id, status=status, limit=limit, cursor=cursor)
        request = get("/v1/sessions", asked).with_options(options)
        return AsyncPages(self._transport, request, self._read)

    async def update(
        self,
        session_id: str,
        *,
        limits: Optional[LimitsParam] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[ComputeParam] = None,
        webhook: Union[str, NotGiven, None] = NOT_GIVEN,
        options: Optional[RequestOptions] = None,
    ) -> AsyncSession:
        """Changes what is given, as `session.update` does."""
        content = body(
            SessionOptionsParam,
            {"webhook": webhook},
            limits=limits,
            metadata=metadata,
            model=model,
            compute=compute,
        )
        where = path("/v1/sessions/{session_id}", session_id=session_id)
        return await self._session(Request("PATCH", where, body=content).with_options(options))

    async def end(
        self, session_id: str, *, options: Optional[RequestOptions] = None
    ) -> AsyncSession:
        """Ends a session for good, and terminates its agents."""
        where = path("/v1/sessions/{session_id}/end", session_id=session_id)
        return await self._session(post(where, patience=120.0).with_options(options))

    async def _session(self, request: Request) -> AsyncSession:
        return AsyncSession(self._transport, await self._transport.call(request, SessionData))

    def _read(self, data: Any) -> AsyncSession:
        return AsyncSession(self._transport, SessionData.from_dict(data))

    async def _own_compute(self) -> Optional[ComputeParam]:
        """The compute that the client was made with. Its credentials go into the vault first: that
        is done once, and doing it twice changes nothing."""
        compute, credentials = own_compute(self._transport.config)
        if credentials is not None and not self._transport.state.compute_is_set:
            content = body(
                ConfigureProviderParam,
                provider=compute and compute.get("provider"),
                credentials=credentials,
            )
            await self._transport.call(post("/v1/providers", content), Provider)
            self._transport.state.compute_is_set = True
        return compute
