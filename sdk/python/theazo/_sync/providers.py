# Made of theazo/_async/providers.py by tools/unasync.py: do not edit.
"""Providers: where agents run."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .._core.request import Request, RequestOptions, body, get, path, post, query
from ..types import ConfigureProviderParam, Provider, ProviderCheck, ProviderNameParam
from .pages import Pages
from .resource import Resource


class Providers(Resource):
    """`client.providers`."""

    def configure(
        self,
        provider: ProviderNameParam,
        credentials: Mapping[str, Any],
        *,
        is_default: Optional[bool] = None,
        options: Optional[RequestOptions] = None,
    ) -> Provider:
        """Configures a provider; its credentials are encrypted and never answered.

        ```python
        client.providers.configure("e2b", {"apiKey": "e2b_…"}, is_default=True)
        ```
        """
        content = body(
            ConfigureProviderParam,
            provider=provider,
            credentials=credentials,
            is_default=is_default,
        )
        request = post("/v1/providers", content).with_options(options)
        return self._transport.call(request, Provider)

    def list(
        self,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Pages[Provider]:
        """The providers that are configured."""
        request = get("/v1/providers", query(limit=limit, cursor=cursor)).with_options(options)
        return Pages(self._transport, request, Provider.from_dict)

    def delete(
        self, provider: ProviderNameParam, *, options: Optional[RequestOptions] = None
    ) -> None:
        """Removes a provider. Refused while it has active agents."""
        request = Request("DELETE", path("/v1/providers/{provider}", provider=provider))
        self._transport.send(request.with_options(options))

    def check(
        self, provider: ProviderNameParam, *, options: Optional[RequestOptions] = None
    ) -> ProviderCheck:
        """Whether a provider takes work right now."""
        request = post(path("/v1/providers/{provider}/check", provider=provider), patience=30.0)
        return self._transport.call(request.with_options(options), ProviderCheck)
