# Made of theazo/_async/tools.py by tools/unasync.py: do not edit.
"""Tools that models can be given."""

from __future__ import annotations

from typing import Optional

from .._core.request import RequestOptions, get, path
from ..types import Tool
from .pages import Pages
from .resource import Resource


class Tools(Resource):
    """`client.tools`."""

    def list(self, *, options: Optional[RequestOptions] = None) -> Pages[Tool]:
        """All tools, with the JSON schema of what they take."""
        request = get("/v1/tools").with_options(options)
        return Pages(self._transport, request, Tool.from_dict)

    def get(self, name: str, *, options: Optional[RequestOptions] = None) -> Tool:
        """The tool with this name."""
        request = get(path("/v1/tools/{name}", name=name)).with_options(options)
        return self._transport.call(request, Tool)
