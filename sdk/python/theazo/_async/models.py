"""Models and what they cost."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, body, get, path
from ..types import KnownModel, SetPriceParam
from .pages import AsyncPages
from .resource import AsyncResource


class AsyncModels(AsyncResource):
    """`client.models`."""

    def list(self, *, options: Optional[RequestOptions] = None) -> AsyncPages[KnownModel]:
        """The models that the platform knows, with their prices."""
        request = get("/v1/models").with_options(options)
        return AsyncPages(self._transport, request, KnownModel.from_dict)

    async def set_price(
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
        await client.models.set_price("my-gateway/llama", input="0.20", output="0.60")
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
        return await self._transport.call(request.with_options(options), KnownModel)
