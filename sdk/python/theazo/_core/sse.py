"""Server-Sent Events: from bytes, cut anywhere, to frames; and where a reader of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional

from ..errors import ArgumentError
from .config import Config
from .retry import delay

#: Seconds after which a connection was a good one, even if it brought no event.
_GOOD = 10.0
#: Ids that are remembered, to know a repeat: a stream may be of any length.
_KNOWN = 1_000


@dataclass(frozen=True)
class Frame:
    """One event as it was sent."""

    event: str
    data: str
    #: Its own, not that of an event before.
    id: Optional[str] = None


class Decoder:
    """Reads frames. One that is not ended by an empty line is never given: it was cut."""

    def __init__(self) -> None:
        #: Seconds that the server wants between two connections.
        self.retry: Optional[float] = None
        self._rest = b""
        self._after_cr = False
        self._event = ""
        self._data: List[str] = []
        self._id: Optional[str] = None

    def feed(self, chunk: bytes) -> List[Frame]:
        """The frames that `chunk` completes."""
        # A line ends with CR, LF or both, which may come in two chunks.
        rest = chunk[1:] if self._after_cr and chunk.startswith(b"\n") else chunk
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        text = (self._rest + rest).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = text.split(b"\n")
        frames = [self._line(line.decode("utf-8", "replace")) for line in lines]
        return [frame for frame in frames if frame]

    def _line(self, line: str) -> Optional[Frame]:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _dispatch(self) -> Optional[Frame]:
        frame = Frame(self._event or "message", "\n".join(self._data), self._id)
        empty = not self._data
        self._event, self._data, self._id = "", [], None
        return None if empty else frame


@dataclass
class Place:
    """Where a reader of a stream is, over all its connections."""

    last_id: Optional[str] = None
    over: bool = False
    #: Connections in a row that brought nothing new.
    fruitless: int = 0
    _seen: Dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.last_id
        if given is None:
            return
        if not isinstance(given, str) or not given.isascii() or not given.isprintable():
            raise ArgumentError(f"`last_event_id` is the id of an event, and is {given!r}.")
        # What a proxy that drops the header brings again.
        self._seen[given] = None

    def take(self, frame: Frame) -> bool:
        """Whether the frame is new. The server goes on right after `last_id`; what it may give
        twice all the same (when a proxy drops that header) is not new."""
        if frame.id is None:
            return True
        if frame.id in self._seen:
            return False
        self._seen[frame.id] = None
        if len(self._seen) > _KNOWN:
            del self._seen[next(iter(self._seen))]
        self.last_id = frame.id
        self.fruitless = 0
        return True

    def after_cut(
        self, config: Config, retries: int, lasted: float, wish: Optional[float]
    ) -> Optional[float]:
        """Seconds to wait before the next connection; None when it was tried often enough."""
        self.fruitless = 0 if lasted >= _GOOD else self.fruitless + 1
        if self.fruitless > max(retries, 1):
            return None
        own = delay(config, max(self.fruitless - 1, 0)) or 0.0
        return max(own, min(wish or 0.0, config.max_retry_delay))
