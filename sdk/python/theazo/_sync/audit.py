# Made of theazo/_async/audit.py by tools/unasync.py: do not edit.
"""The log: everything that has happened."""

from __future__ import annotations

from typing import Optional, Union

from .._core.request import RequestOptions, get, path, query
from ..types import AuditEvent, StateAsOf, Verification
from .pages import Pages
from .resource import Resource
from .usage import Time


class Audit(Resource):
    """`client.audit`."""

    def events(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        actor: Optional[str] = None,
        type: Optional[str] = None,
        session_id: Optional[str] = None,
        agent_id: Optional[str] = None,
        task_id: Optional[str] = None,
        user_id: Optional[str] = None,
        request_id: Optional[str] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[AuditEvent]:
        """Events of the whole history, newest first.

        ```python
        for event in client.audit.events(session_id=session.id):
            print(event.time, event.type, event.actor)
        ```
        """
        asked = query(
            from_=from_,
            until=until,
            actor=actor,
            type=type,
            session_id=session_id,
            agent_id=agent_id,
            task_id=task_id,
            user_id=user_id,
            request_id=request_id,
            limit=limit,
            cursor=cursor,
        )
        request = get("/v1/audit/events", asked).with_options(options)
        return Pages(self._transport, request, AuditEvent.from_dict)

    def state(
        self,
        kind: str,
        id: str,
        *,
        at: Union[Time, int, None] = None,
        options: Optional[RequestOptions] = None,
    ) -> StateAsOf:
        """A thing as it was at a time, or at a position of the log.

        ```python
        then = client.audit.state("session", session.id, at="2026-05-01T12:00:00Z")
        ```
        """
        request = get(path("/v1/audit/{kind}/{id}", kind=kind, id=id), query(at=at))
        return self._transport.call(request.with_options(options), StateAsOf)

    def verify(self, *, options: Optional[RequestOptions] = None) -> Verification:
        """Recomputes the hashes of the whole log: whether anything was changed."""
        request = get("/v1/audit/verify", patience=240.0).with_options(options)
        return self._transport.call(request, Verification)
