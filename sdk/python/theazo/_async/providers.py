"""Providers: where agents run."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .._core.request import Request, RequestOptions, body, get, path, post, query
from ..types import ConfigureProviderParam, Provider, ProviderCheck, ProviderNameParam
from .pages import AsyncPages
from .resource import AsyncResource


class AsyncProviders(AsyncResource):
    """`client.providers`."""

    async def configure(
        self,
        provider: ProviderNameParam,
        credentials: Mapping[str, Any],
        *,
        is_default: Optional[bool] = None,
        options: Optional[RequestOptions] = None,
    ) -> Provider:
        """Configures a provider; its credentials are encrypted and never answered.

        ```python
        await client.providers.configure("e2b", {"apiKey": "e2b_…"}, is_default=True)
        ```
        """
        content = body(
            ConfigureProviderParam,
            provider=provider,
            credentials=credentials,
            is_default=is_default,
        )
        request = post("/v1/providers", content).with_options(options)
        return await self._transport.call(request, Provider)

    def list(
        self,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[Provider]:
        """The providers that are configured."""
        request = get("/v1/providers", query(limit=limit, cursor=cursor)).with_options(options)
        return AsyncPages(self._transport, request, Provider.from_dict)

    async def delete(
        self, provider: ProviderNameParam, *, options: Optional[RequestOptions] = None
    ) -> None:
        """Removes a provider. Refused while it has active agents."""
        request = Request("DELETE", path("/v1/providers/{provider}", provider=provider))
        await self._transport.send(request.with_options(options))

    async def check(
        self, provider: ProviderNameParam, *, options: Optional[RequestOptions] = None
    ) -> ProviderCheck:
        """Whether a provider takes work right now."""
        request = post(path("/v1/providers/{provider}/check", provider=provider), patience=30.0)
        return await self._transport.call(request.with_options(options), ProviderCheck)
