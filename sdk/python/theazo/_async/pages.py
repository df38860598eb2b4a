"""Lists, over all of their pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, AsyncIterator, Callable, Generator, Generic, List, Optional, TypeVar

from .._core.page import Page, read_page
from .._core.request import Request
from .transport import AsyncTransport

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """A list that is read as it is gone over, newest first.

    Going over it reads page after page; `all()` reads it whole, `page()` is one request.
    """

    def __init__(
        self, transport: AsyncTransport, request: Request, read: Callable[[Any], T]
    ) -> None:
        self._transport = transport
        self._request = request
        self._read = read

    # async only: begin
    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self.page().__await__()

    # async only: end
    async def page(self) -> Page[T]:
        """The first page alone, with the cursor of the next."""
        return read_page(await self._transport.send(self._request), self._read)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page."""
        request = self._request
        while True:
            page = read_page(await self._transport.send(request), self._read)
            yield page
            if not page.has_more or page.next_cursor is None:
                return
            request = replace(request, query={**request.query, "cursor": page.next_cursor})

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item

    async def all(self, limit: Optional[int] = None) -> List[T]:
        """All of it in one list, or the first `limit`."""
        items: List[T] = []
        async for item in self:
            if limit is not None and len(items) >= limit:
                break
            items.append(item)
        return items
