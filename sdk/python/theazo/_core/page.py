"""A page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Generic, Iterator, List, Optional, TypeVar

from .answer import Answer, unexpected
from .codec import DecodeError

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list, as the API answers it."""

    data: List[T]
    #: Give it as `cursor=` to get the next page.
    next_cursor: Optional[str] = None
    has_more: bool = False

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def read_page(answer: Answer, read: Callable[[Any], T]) -> Page[T]:
    """The page that an answer is, each item read by `read`."""
    body = answer.json()
    items = body.get("data") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise unexpected(answer, "with JSON that is no list")
    try:
        data = [read(item) for item in items]
    except DecodeError as error:
        raise unexpected(answer, f"with a list of something else ({error})") from None
    cursor = body.get("nextCursor")
    return Page(data, cursor if isinstance(cursor, str) else None, bool(body.get("hasMore")))
