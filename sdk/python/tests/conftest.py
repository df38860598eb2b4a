"""Every test that makes calls runs twice: with `Theazo`, and with `AsyncTheazo`."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Iterator, List

import pytest

from theazo import AsyncTheazo, Theazo

from .scripted import Server

KEY = "th_test_0123456789abcdef0123456789abcdef"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THEAZO_API_KEY", "THEAZO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


class Side:
    """One of the two clients, to be used in the same way."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.made: List[Any] = []

    def client(self, **options: Any) -> Any:
        options = {
            "api_key": KEY,
            "base_url": self.server.url,
            "timeout": 5.0,
            "retry_delay": 0.001,
            "max_retry_delay": 0.002,
            **options,
        }
        self.made.append(self.kind(**options))
        return self.made[-1]

    kind: Any = Theazo
    is_async = False

    def do(self, value: Any) -> Any:
        """What a call comes to."""
        return value

    def all(self, value: Any) -> List[Any]:
        """What going over something gives."""
        return list(value)

    def close(self) -> None:
        for client in self.made:
            self.do(client.close())


class AsyncSide(Side):
    kind = AsyncTheazo
    is_async = True

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.loop = asyncio.new_event_loop()

    def do(self, value: Any) -> Any:
        return self.loop.run_until_complete(value) if inspect.isawaitable(value) else value

    def all(self, value: Any) -> List[Any]:
        async def collect() -> List[Any]:
            return [item async for item in value]

        return self.loop.run_until_complete(collect())

    def close(self) -> None:
        super().close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest, server: Server) -> Iterator[Side]:
    made = Side(server) if request.param == "sync" else AsyncSide(server)
    yield made
    made.close()
