# Made of theazo/_async/snapshots.py by tools/unasync.py: do not edit.
"""Snapshots of agents."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, get, path, query
from ..types import Snapshot
from .pages import Pages
from .resource import Resource


class Snapshots(Resource):
    """`client.snapshots`: what `agent.pause()` has saved."""

    def list(
        self,
        *,
        session_id: Optional[str] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[Snapshot]:
        """All snapshots, newest first."""
        asked = query(session_id=session_id, limit=limit, cursor=cursor)
        request = get("/v1/snapshots", asked).with_options(options)
        return Pages(self._transport, request, Snapshot.from_dict)

    def delete(self, snapshot_id: str, *, options: Optional[RequestOptions] = None) -> None:
        """Deletes a snapshot. Refused while a paused agent needs it."""
        request = Request("DELETE", path("/v1/snapshots/{snapshot_id}", snapshot_id=snapshot_id))
        self._transport.send(request.with_options(options))
