"""Tools that models can be given."""

from __future__ import annotations

from typing import Optional

from .._core.request import RequestOptions, get, path
from ..types import Tool
from .pages import AsyncPages
from .resource import AsyncResource


class AsyncTools(AsyncResource):
    """`client.tools`."""

    def list(self, *, options: Optional[RequestOptions] = None) -> AsyncPages[Tool]:
        """All tools, with the JSON schema of what they take."""
        request = get("/v1/tools").with_options(options)
        return AsyncPages(self._transport, request, Tool.from_dict)

    async def get(self, name: str, *, options: Optional[RequestOptions] = None) -> Tool:
        """The tool with this name."""
        request = get(path("/v1/tools/{name}", name=name)).with_options(options)
        return await self._transport.call(request, Tool)
