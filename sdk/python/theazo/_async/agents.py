"""Agents: to be made in a session, to be found by their id."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from .._core.request import RequestOptions, body, get, path, post, query
from ..types import Agent as AgentData
from ..types import (
    AgentModelConfigParam,
    AgentStateParam,
    ApprovalsParam,
    ComputeParam,
    CreateAgentParam,
    GuardrailsParam,
    MoneyParam,
)
from .agent import AsyncAgent
from .pages import AsyncPages
from .resource import AsyncResource
from .transport import AsyncTransport


class AsyncAgents(AsyncResource):
    """`client.agents`: agents of any session."""

    async def get(self, agent_id: str, *, options: Optional[RequestOptions] = None) -> AsyncAgent:
        """The agent with this id.

        ```python
        agent = await client.agents.get("agt_…")
        ```
        """
        request = get(path("/v1/agents/{agent_id}", agent_id=agent_id)).with_options(options)
        return AsyncAgent(self._transport, await self._transport.call(request, AgentData))


class AsyncSessionAgents(AsyncAgents):
    """`session.agents`: the agents of one session."""

    def __init__(self, transport: AsyncTransport, session_id: str) -> None:
        super().__init__(transport)
        self._path = path("/v1/sessions/{session_id}/agents", session_id=session_id)

    async def create(
        self,
        *,
        definition: Optional[str] = None,
        model: Optional[AgentModelConfigParam] = None,
        instructions: Optional[str] = None,
        tools: Optional[List[str]] = None,
        compute: Optional[ComputeParam] = None,
        browser: Optional[bool] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        approvals: Optional[ApprovalsParam] = None,
        guardrails: Optional[GuardrailsParam] = None,
        knowledge: Optional[List[str]] = None,
        secrets: Optional[List[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        snapshot_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncAgent:
        """Makes an agent. What is given goes before what its `definition` says.

        ```python
        agent = await session.agents.create(
            definition="researcher",
            model="anthropic/claude-opus",
            timeout=600,
            cost_cap={"amount": 200, "currency": "usd"},
        )
        ```

        `timeout` is in seconds: how long a run may take. `secrets` are names of secrets that its
        code finds in the environment. `snapshot_id` begins with the files of a snapshot.
        """
        content = body(
            CreateAgentParam,
            definition=definition,
            model=model,
            instructions=instructions,
            tools=tools,
            compute=compute,
            browser=browser,
            timeout=timeout,
            cost_cap=cost_cap,
            approvals=approvals,
            guardrails=guardrails,
            knowledge=knowledge,
            secrets=secrets,
            metadata=metadata,
            snapshot_id=snapshot_id,
        )
        request = post(self._path, content, patience=120.0).with_options(options)
        return AsyncAgent(self._transport, await self._transport.call(request, AgentData))

    def list(
        self,
        *,
        state: Optional[AgentStateParam] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[AsyncAgent]:
        """The session's agents, newest first. `limit` is of one page."""
        asked = query(state=state, limit=limit, cursor=cursor)
        request = get(self._path, asked).with_options(options)
        return AsyncPages(self._transport, request, self._agent)

    def _agent(self, data: Any) -> AsyncAgent:
        return AsyncAgent(self._transport, AgentData.from_dict(data))
