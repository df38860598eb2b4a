# Made of theazo/_async/pages.py by tools/unasync.py: do not edit.
"""Lists, over all of their pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Generator, Generic, Iterator, List, Optional, TypeVar

from .._core.page import Page, read_page
from .._core.request import Request
from .transport import Transport

T = TypeVar("T")


class Pages(Generic[T]):
    """A list that is read as it is gone over, newest first.

    Going over it reads page after page; `all()` reads it whole, `page()` is one request.
    """

    def __init__(
        self, transport: Transport, request: Request, read: Callable[[Any], T]
    ) -> None:
        self._transport = transport
        self._request = request
        self._read = read

    def page(self) -> Page[T]:
        """The first page alone, with the cursor of the next."""
        return read_page(self._transport.send(self._request), self._read)

    def pages(self) -> Iterator[Page[T]]:
        """Page after page."""
        request = self._request
        while True:
            page = read_page(self._transport.send(request), self._read)
            yield page
            if not page.has_more or page.next_cursor is None:
                return
            request = replace(request, query={**request.query, "cursor": page.next_cursor})

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            for item in page.data:
                yield item

    def all(self, limit: Optional[int] = None) -> List[T]:
        """All of it in one list, or the first `limit`."""
        items: List[T] = []
        for item in self:
            if limit is not None and len(items) >= limit:
                break
            items.append(item)
        return items
