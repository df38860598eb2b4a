# Made of theazo/_async/definitions.py by tools/unasync.py: do not edit.
"""Definitions: agents to be made again and again."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from .._core.request import Request, RequestOptions, body, get, path, post, query
from ..types import (
    AgentDefinition,
    AgentModelConfigParam,
    ApprovalsParam,
    CreateDefinitionParam,
    DefinitionComputeParam,
    GuardrailsParam,
    MoneyParam,
    UpdateDefinitionParam,
)
from .pages import Pages
from .resource import Resource

_ALL = "/v1/agent-definitions"


class Definitions(Resource):
    """`client.definitions`. Each is found by its id or its name."""

    def create(
        self,
        *,
        name: str,
        instructions: Optional[str] = None,
        tools: Optional[List[str]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[DefinitionComputeParam] = None,
        browser: Optional[bool] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        approvals: Optional[ApprovalsParam] = None,
        guardrails: Optional[GuardrailsParam] = None,
        knowledge: Optional[List[str]] = None,
        secrets: Optional[List[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        options: Optional[RequestOptions] = None,
    ) -> AgentDefinition:
        """Makes a definition, at version 1. `timeout` is in seconds.

        ```python
        client.definitions.create(
            name="summarizer",
            model="anthropic/claude-sonnet",
            instructions="Summarize in three sentences.",
        )
        ```
        """
        content = body(
            CreateDefinitionParam,
            name=name,
            instructions=instructions,
            tools=tools,
            model=model,
            compute=compute,
            browser=browser,
            timeout=timeout,
            cost_cap=cost_cap,
            approvals=approvals,
            guardrails=guardrails,
            knowledge=knowledge,
            secrets=secrets,
            metadata=metadata,
        )
        return self._transport.call(
            post(_ALL, content).with_options(options), AgentDefinition
        )

    def get(
        self, definition: str, *, options: Optional[RequestOptions] = None
    ) -> AgentDefinition:
        """The newest version of a definition, by its id or its name."""
        request = get(self._path(definition)).with_options(options)
        return self._transport.call(request, AgentDefinition)

    def list(
        self,
        *,
        include_archived: Optional[bool] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[AgentDefinition]:
        """All definitions, your own and those that are built in. `limit` is of one page."""
        asked = query(include_archived=include_archived, limit=limit, cursor=cursor)
        request = get(_ALL, asked).with_options(options)
        return Pages(self._transport, request, AgentDefinition.from_dict)

    def update(
        self,
        definition: str,
        *,
        instructions: Optional[str] = None,
        tools: Optional[List[str]] = None,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[DefinitionComputeParam] = None,
        browser: Optional[bool] = None,
        timeout: Optional[int] = None,
        cost_cap: Optional[MoneyParam] = None,
        approvals: Optional[ApprovalsParam] = None,
        guardrails: Optional[GuardrailsParam] = None,
        knowledge: Optional[List[str]] = None,
        secrets: Optional[List[str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        options: Optional[RequestOptions] = None,
    ) -> AgentDefinition:
        """Makes a new version with what is given; the rest stays. Agents that are there keep
        theirs."""
        content = body(
            UpdateDefinitionParam,
            instructions=instructions,
            tools=tools,
            model=model,
            compute=compute,
            browser=browser,
            timeout=timeout,
            cost_cap=cost_cap,
            approvals=approvals,
            guardrails=guardrails,
            knowledge=knowledge,
            secrets=secrets,
            metadata=metadata,
        )
        request = Request("PUT", self._path(definition), body=content).with_options(options)
        return self._transport.call(request, AgentDefinition)

    def delete(self, definition: str, *, options: Optional[RequestOptions] = None) -> None:
        """Archives a definition: no new agents are made of it."""
        request = Request("DELETE", self._path(definition)).with_options(options)
        self._transport.send(request)

    def versions(
        self,
        definition: str,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[AgentDefinition]:
        """All versions of a definition, newest first."""
        asked = query(limit=limit, cursor=cursor)
        request = get(self._path(definition) + "/versions", asked).with_options(options)
        return Pages(self._transport, request, AgentDefinition.from_dict)

    @staticmethod
    def _path(definition: str) -> str:
        return path(_ALL + "/{definition}", definition=definition)
