"""Downloads that go on after a cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import AsyncGenerator

from .._core import log
from .._core.request import Request
from .._core.retry import delay
from .._core.rows import Rows
from ..errors import APIConnectionError
from .transport import AsyncTransport


async def rows(
    transport: AsyncTransport, request: Request, format: str
) -> AsyncGenerator[str, None]:
    """The rows of an export, each once."""
    read, fruitless = Rows(format), 0
    while True:
        again = request
        if read.position is not None:
            again = replace(request, query={**request.query, "after": read.position})
        body = transport.bytes(again)
        try:
            async for chunk in body:
                for row in read.feed(chunk):
                    fruitless = 0
                    yield row
            return
        except APIConnectionError as error:
            fruitless += 1
            pause = delay(transport.config, fruitless - 1)
            if format == "stripe" or fruitless > request.retries(transport.config) or pause is None:
                raise
            log.again(request, request.url(transport.config), str(error), pause)
            read.cut()
            await asyncio.sleep(pause)
        finally:
            await body.aclose()
