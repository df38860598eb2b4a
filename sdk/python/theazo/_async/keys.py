"""API keys."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, body, get, path, post, query
from ..types import ApiKey, CreateApiKeyParam
from .pages import AsyncPages
from .resource import AsyncResource

_PATH = "/v1/api-keys"


class AsyncKeys(AsyncResource):
    """`client.keys`."""

    async def create(self, name: str, *, options: Optional[RequestOptions] = None) -> ApiKey:
        """Makes a key of the same mode as the client's. `key` is in this answer only: keep it.

        ```python
        created = await client.keys.create("ci")
        print(created.key)
        ```
        """
        request = post(_PATH, body(CreateApiKeyParam, name=name)).with_options(options)
        return await self._transport.call(request, ApiKey)

    def list(
        self,
        *,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[ApiKey]:
        """All keys, without their secrets."""
        request = get(_PATH, query(limit=limit, cursor=cursor)).with_options(options)
        return AsyncPages(self._transport, request, ApiKey.from_dict)

    async def delete(self, key_id: str, *, options: Optional[RequestOptions] = None) -> None:
        """Revokes a key, from now on."""
        request = Request("DELETE", path(_PATH + "/{key_id}", key_id=key_id))
        await self._transport.send(request.with_options(options))

    async def rotate(self, key_id: str, *, options: Optional[RequestOptions] = None) -> ApiKey:
        """Gives a key another secret. `key` is in this answer only: keep it."""
        request = post(path(_PATH + "/{key_id}/rotate", key_id=key_id)).with_options(options)
        return await self._transport.call(request, ApiKey)
