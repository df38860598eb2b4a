"""A server that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

REASONS = {200: "OK", 201: "Created", 204: "No Content"}


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What is sent, byte by byte."""

    data: bytes = b""
    #: The connection is reset, and not closed.
    reset: bool = False
    #: Sent in pieces of so many bytes.
    pieces: int = 1 << 20
    #: The server goes silent after it and keeps the connection open.
    hang: bool = False


def answer(
    body: Any = None,
    status: int = 200,
    headers: Optional[Mapping[str, str]] = None,
    kind: str = "application/json",
) -> Reply:
    """A whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'X')}", "connection: close"]
    if status != 204:
        lines += [f"content-type: {kind}", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if status == 204 else content))


def error(status: int, code: str, message: str = "no", **more: Any) -> Reply:
    """Our envelope."""
    headers = more.pop("headers", None)
    envelope = {"code": code, "message": message, "requestId": "req_1", **more}
    return answer({"error": envelope}, status, headers)


def html(status: int) -> Reply:
    return answer(b"<html><h1>Bad gateway</h1></html>", status, kind="text/html")


def dropped() -> Reply:
    """The connection goes away without an answer."""
    return Reply(reset=True)


def cut(whole: Reply, share: float = 0.7) -> Reply:
    """The first part of an answer, and then nothing."""
    return Reply(whole.data[: int(len(whole.data) * share)])


def sse(text: str, **more: Any) -> Reply:
    """A stream; the connection's end is its end."""
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n"
    return Reply(head + text.encode(), **more)


Scripted = Union[Reply, Callable[[Asked], Reply]]


class Server:
    """Gives the replies in their order; after them, the last one again."""

    def __init__(self) -> None:
        self.asked: List[Asked] = []
        self._lock = threading.Lock()
        self.replies = []
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def replies(self) -> List[Scripted]:
        return self._replies

    @replies.setter
    def replies(self, replies: List[Scripted]) -> None:
        with self._lock:
            self._replies = replies
            self._given = 0

    def close(self) -> None:
        self._over.set()
        # Wakes `accept`, which would not notice otherwise.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            asked = read(connection)
            if asked is None:
                return
            with self._lock:
                self.asked.append(asked)
                scripted = self._replies[min(self._given, len(self._replies) - 1)]
                self._given += 1
            reply = scripted if isinstance(scripted, Reply) else scripted(asked)
            try:
                for start in range(0, len(reply.data), reply.pieces):
                    connection.sendall(reply.data[start : start + reply.pieces])
                if reply.hang:
                    self._over.wait()
                if reply.reset:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            except OSError:
                # The client has what it wants.
                return


def read(connection: socket.socket) -> Optional[Asked]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(pair(line) for line in lines)
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, body)


def pair(line: str) -> Tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
