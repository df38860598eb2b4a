"""What all resources have."""

from __future__ import annotations

from .transport import AsyncTransport


class AsyncResource:
    """A part of the API."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
