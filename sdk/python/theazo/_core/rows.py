"""The rows of a download, from bytes that are cut anywhere."""

from __future__ import annotations

import json
from typing import List, Optional


class Rows:
    """Reads rows, and knows where to go on when the download is cut."""

    def __init__(self, format: str) -> None:
        self._csv = format == "csv"
        self._rest = b""
        self._head: Optional[str] = None
        #: The place of the last row: what `after` takes.
        self.position: Optional[str] = None

    def feed(self, chunk: bytes) -> List[str]:
        """The rows that `chunk` completes, without their line breaks."""
        lines = (self._rest + chunk).split(b"\n")
        rows: List[str] = []
        row = b""
        for line in lines[:-1]:
            row += line
            # Within quotes a line break is a part of a CSV field.
            if self._csv and row.count(b'"') % 2:
                row += b"\n"
                continue
            rows.append(row.decode("utf-8", "replace").rstrip("\r"))
            row = b""
        self._rest = row + lines[-1]
        return [row for row in rows if row and self._is_new(row)]

    def cut(self) -> None:
        """The connection broke off: what there is of a row comes again, whole."""
        self._rest = b""

    def _is_new(self, row: str) -> bool:
        if not self._csv:
            self.position = json.loads(row).get("position", self.position)
            return True
        if self._head is None:
            self._head = row
            return True
        # Each connection begins with the head.
        if row == self._head:
            return False
        self.position = row.split(",", 1)[0]
        return True


#: The formats of an export, and what they are answered as.
KINDS = {"csv": "text/csv", "json": "application/x-ndjson", "stripe": "application/x-ndjson"}
