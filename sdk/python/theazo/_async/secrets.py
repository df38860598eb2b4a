"""Secrets: credentials that agents and models use, and nobody reads back."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, body, get, path, post, query
from ..types import Secret, SetSecretParam
from .pages import AsyncPages
from .resource import AsyncResource


class AsyncSecrets(AsyncResource):
    """`client.secrets`."""

    async def set(
        self,
        name: str,
        value: str,
        *,
        session_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Secret:
        """Sets a secret, of the organization or of one session; one that is there is replaced.

        ```python
        await client.secrets.set("OPENAI_API_KEY", os.environ["OPENAI_API_KEY"])
        ```
        """
        content = body(SetSecretParam, name=name, value=value, session_id=session_id)
        return await self._transport.call(
            post("/v1/secrets", content).with_options(options), Secret
        )

    def list(
        self,
        *,
        session_id: Optional[str] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[Secret]:
        """Which secrets there are. Their values are never answered."""
        asked = query(session_id=session_id, limit=limit, cursor=cursor)
        request = get("/v1/secrets", asked).with_options(options)
        return AsyncPages(self._transport, request, Secret.from_dict)

    async def delete(
        self,
        name: str,
        *,
        session_id: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> None:
        """Deletes a secret; one of a session with its `session_id`."""
        where = path("/v1/secrets/{name}", name=name)
        request = Request("DELETE", where, query(session_id=session_id)).with_options(options)
        await self._transport.send(request)
