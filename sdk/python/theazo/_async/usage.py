"""What was used."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, Union

from .._core.request import RequestOptions, get, query
from ..types import UsageSummary
from .resource import AsyncResource

#: A time; or a text with a date (`2026-05-01`, the whole day) or an RFC 3339 time.
Time = Union[datetime, str]


class AsyncUsage(AsyncResource):
    """`client.usage`."""

    async def summary(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        options: Optional[RequestOptions] = None,
    ) -> UsageSummary:
        """Compute, models, storage and their sum. By default: of the billing period so far."""
        request = get("/v1/usage/summary", query(from_=from_, until=until)).with_options(options)
        return await self._transport.call(request, UsageSummary)
