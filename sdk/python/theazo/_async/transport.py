"""Sends calls, again where that is right, and hands out what came."""

from __future__ import annotations

import asyncio
import time
from typing import AsyncGenerator, Optional, Tuple, Type, TypeVar

import httpx

from .._core import log
from .._core.answer import (
    Answer,
    code_of,
    failure,
    is_broken,
    is_done,
    is_kind,
    shaped,
    unexpected,
    unreachable,
)
from .._core.codec import Model
from .._core.config import Config
from .._core.request import Request
from .._core.retry import delay, retry_after, worth_repeating
from .._core.sse import Decoder, Frame, Place
from .._core.state import State, record
from ..errors import APIConnectionError, ConfigError, TheazoError

M = TypeVar("M", bound=Model)


class AsyncTransport:
    """The one way from a client to its server."""

    def __init__(self, config: Config, http: httpx.AsyncClient, state: State) -> None:
        self.config = config
        self.http = http
        self.state = state

    async def call(self, request: Request, model: Type[M]) -> M:
        """The call's answer as `model`."""
        answer = await self.send(request)
        return shaped(answer, model)

    async def send(self, request: Request) -> Answer:
        """A success, read to its end.

        Raises:
            APIError: The server says no.
            APIConnectionError: No answer came.
        """
        _, answer = await self._attempts(request, whole=True)
        assert answer is not None
        return answer

    async def open(self, request: Request) -> httpx.Response:
        """A success whose body is still to be read; the caller closes it."""
        response, _ = await self._attempts(request, whole=False)
        return response

    async def _attempts(
        self, request: Request, whole: bool
    ) -> Tuple[httpx.Response, Optional[Answer]]:
        """Until it comes out well or there is no use in going on."""
        if self.http.is_closed:
            raise ConfigError("This client is closed: make a new one, or close it later.")
        url, retries = request.url(self.config), request.retries(self.config)
        attempt, doubtful = 0, False
        while True:
            wish: Optional[float] = None
            try:
                response, answer = await self._once(request, url, attempt, whole)
            except httpx.RequestError as failed:
                error: TheazoError = unreachable(request, url, failed)
                repeat = doubtful = isinstance(error, APIConnectionError)
            else:
                if answer is None:
                    return response, None
                broken = is_broken(request, answer)
                if is_done(request, answer, doubtful) and whole and not broken:
                    return response, answer
                error = unexpected(answer) if answer.is_success else failure(answer)
                repeat = broken or worth_repeating(answer.status, code_of(answer), answer.headers)
                wish = retry_after(answer.headers)
                doubtful = doubtful or broken or answer.status >= 500
            pause = delay(self.config, attempt, wish) if repeat and attempt < retries else None
            if pause is None:
                raise error
            log.again(request, url, str(error), pause)
            await asyncio.sleep(pause)
            attempt += 1

    async def _once(
        self, request: Request, url: str, attempt: int, whole: bool
    ) -> Tuple[httpx.Response, Optional[Answer]]:
        """One attempt. A success is left open if `whole` is false."""
        head = request.head(self.config, attempt, self.state.position.at)
        log.sending(request, url, head, attempt)
        limits = request.limits(self.config)
        built = self.http.build_request(
            request.method, url, headers=head, content=request.body, timeout=limits
        )
        began = time.monotonic()
        response = await self.http.send(built, stream=True)
        try:
            self.state.position.note(response.headers)
            if not whole and response.is_success and is_kind(request, response):
                return response, None
            body = await response.aread()
        except BaseException:
            await response.aclose()
            raise
        await response.aclose()
        seconds = time.monotonic() - began
        answer = Answer(request.method, url, response.status_code, response.headers, body, attempt)
        record(answer)
        log.came(request, url, answer.status, answer.request_id, seconds)
        return response, answer

    async def bytes(self, request: Request) -> AsyncGenerator[bytes, None]:
        """A body as it comes. What was cut is not asked for again: some of it was given already."""
        response = await self.open(request)
        try:
            async for chunk in response.aiter_bytes():
                yield chunk
        except httpx.RequestError as failed:
            raise unreachable(request, request.url(self.config), failed) from failed
        finally:
            await response.aclose()

    async def frames(self, request: Request, place: Place) -> AsyncGenerator[Frame, None]:
        """The events of a stream, each once, over as many connections as it takes."""
        url = request.url(self.config)
        while True:
            response = await self.open(request.after(place.last_id))
            request = request.patient(self.config)
            if response.status_code == 204:
                await response.aclose()
                return
            decoder, began = Decoder(), time.monotonic()
            cut = "it ended early"
            try:
                async for chunk in response.aiter_bytes():
                    for frame in decoder.feed(chunk):
                        if place.take(frame):
                            yield frame
                        if place.over:
                            return
            except httpx.RequestError as failed:
                cut = str(failed) or type(failed).__name__
            finally:
                await response.aclose()
            lasted = time.monotonic() - began
            retries = request.retries(self.config)
            pause = place.after_cut(self.config, retries, lasted, decoder.retry)
            if pause is None:
                raise APIConnectionError(
                    f"GET {url}: the stream broke off {place.fruitless} times in a row without a "
                    f"new event ({cut}). Does a proxy in between hold back or cut long answers?"
                )
            log.again(request, url, f"the stream was cut: {cut}", pause)
            await asyncio.sleep(pause)
