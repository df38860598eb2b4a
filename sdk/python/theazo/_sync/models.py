# Made of theazo/_async/models.py by tools/unasync.py: do not edit.
"""Models and what they cost."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, body, get, path
from ..types import KnownModel, SetPriceParam
from .pages import Pages
from .resource import Resource


class Models(Resource):
    """`client.models`."""

    def list(self, *, options: Optional[RequestOptions] = None) -> Pages[KnownModel]:
        """The models that the platform knows, with their prices."""
        request = get("/v1/models").with_options(options)
        return Pages(self._transport, request, KnownModel.from_dict)

    def set_price(
        self,
        model: str,
        *,
        input: str,
        output: str,
        cache_read: Optional[str] = None,
        cache_write: Optional[str] = None,
        cache_write_long: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> KnownModel:
        """Sets your own price of a model: US dollars per million tokens, as decimal texts.

        ```python
        client.models.set_price("my-gateway/llama", input="0.20", output="0.60")
        ```
        """
        content = body(
            SetPriceParam,
            input=input,
            output=output,
            cache_read=cache_read,
            cache_write=cache_write,
            cache_write_long=cache_write_long,
        )
        request = Request("PUT", path("/v1/models/{model}/price", model=model), body=content)
        return self._transport.call(request.with_options(options), KnownModel)
