"""Pushes of usage to a biller."""

from __future__ import annotations

from typing import Literal, Optional

from .._core.request import RequestOptions, body, get, path, post, query
from ..types import Export, ExportedRecord, RecordStatusParam, StartedExport, StartExportParam
from .pages import AsyncPages
from .resource import AsyncResource
from .usage import Time

_PATH = "/v1/billing/exports"


class AsyncExports(AsyncResource):
    """`client.billing.exports`: push as often as you like, nothing is billed twice."""

    async def start(
        self,
        exporter: Literal["stripe", "metronome"],
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        retry_rejected: Optional[bool] = None,
        options: Optional[RequestOptions] = None,
    ) -> StartedExport:
        """Pushes usage to Stripe or Metronome. It goes on by itself; `get` says how far it is.

        ```python
        started = await client.billing.exports.start("stripe")
        export = await client.billing.exports.get(started.export_id)
        ```
        """
        content = body(StartExportParam, from_=from_, until=until, retry_rejected=retry_rejected)
        request = post(path(_PATH + "/{exporter}", exporter=exporter), content)
        return await self._transport.call(request.with_options(options), StartedExport)

    async def get(self, export_id: str, *, options: Optional[RequestOptions] = None) -> Export:
        """What has become of a push."""
        request = get(path(_PATH + "/{export_id}", export_id=export_id)).with_options(options)
        return await self._transport.call(request, Export)

    def list(
        self,
        *,
        exporter: Optional[Literal["stripe", "metronome"]] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[Export]:
        """All pushes, newest first."""
        asked = query(exporter=exporter, limit=limit, cursor=cursor)
        request = get(_PATH, asked).with_options(options)
        return AsyncPages(self._transport, request, Export.from_dict)

    def records(
        self,
        export_id: str,
        *,
        status: Optional[RecordStatusParam] = None,
        code: Optional[str] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[ExportedRecord]:
        """What has become of each record; `status="rejected"` for those to look at."""
        asked = query(status=status, code=code, limit=limit, cursor=cursor)
        request = get(path(_PATH + "/{export_id}/records", export_id=export_id), asked)
        return AsyncPages(self._transport, request.with_options(options), ExportedRecord.from_dict)
