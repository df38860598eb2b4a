# Made of theazo/_async/resource.py by tools/unasync.py: do not edit.
"""What all resources have."""

from __future__ import annotations

from .transport import Transport


class Resource:
    """A part of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
