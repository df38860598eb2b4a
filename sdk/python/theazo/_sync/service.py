# Made of theazo/_async/service.py by tools/unasync.py: do not edit.
"""The server itself."""

from __future__ import annotations

from typing import Optional

from .._core.request import RequestOptions, get
from ..types import ServiceStatus
from .resource import Resource


class Service(Resource):
    """`client.service`: for probes."""

    def ready(self, *, options: Optional[RequestOptions] = None) -> ServiceStatus:
        """Whether the server takes requests.

        Raises:
            UnavailableError: It does not, or not yet.
        """
        return self._transport.call(get("/readyz").with_options(options), ServiceStatus)

    def alive(self, *, options: Optional[RequestOptions] = None) -> ServiceStatus:
        """Whether the server runs."""
        return self._transport.call(get("/healthz").with_options(options), ServiceStatus)

    def metrics(self, *, options: Optional[RequestOptions] = None) -> str:
        """Its metrics, as Prometheus reads them."""
        request = get("/metrics", accept="text/plain").with_options(options)
        return self._transport.send(request).body.decode()
