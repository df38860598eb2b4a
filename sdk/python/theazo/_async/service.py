"""The server itself."""

from __future__ import annotations

from typing import Optional

from .._core.request import RequestOptions, get
from ..types import ServiceStatus
from .resource import AsyncResource


class AsyncService(AsyncResource):
    """`client.service`: for probes."""

    async def ready(self, *, options: Optional[RequestOptions] = None) -> ServiceStatus:
        """Whether the server takes requests.

        Raises:
            UnavailableError: It does not, or not yet.
        """
        return await self._transport.call(get("/readyz").with_options(options), ServiceStatus)

    async def alive(self, *, options: Optional[RequestOptions] = None) -> ServiceStatus:
        """Whether the server runs."""
        return await self._transport.call(get("/healthz").with_options(options), ServiceStatus)

    async def metrics(self, *, options: Optional[RequestOptions] = None) -> str:
        """Its metrics, as Prometheus reads them."""
        request = get("/metrics", accept="text/plain").with_options(options)
        return (await self._transport.send(request)).body.decode()
