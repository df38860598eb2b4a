"""The ports of an agent."""

from __future__ import annotations

from typing import List, Optional

from .._core.page import read_page
from .._core.request import Request, RequestOptions, body, get, path, post
from ..types import ExposePortParam, Port
from .resource import AsyncResource
from .transport import AsyncTransport


class AsyncPorts(AsyncResource):
    """`agent.ports`: servers in the sandbox that the world may reach."""

    def __init__(self, transport: AsyncTransport, agent_id: str) -> None:
        super().__init__(transport)
        self._path = path("/v1/agents/{agent_id}/ports", agent_id=agent_id)

    async def expose(self, port: int, *, options: Optional[RequestOptions] = None) -> str:
        """Makes a port reachable, and answers with its URL, good for the agent's lifetime.

        ```python
        await agent.exec("bash", "python3 -m http.server 8080 &")
        print(await agent.ports.expose(8080))
        ```
        """
        request = post(self._path, body(ExposePortParam, port=port)).with_options(options)
        return (await self._transport.call(request, Port)).url

    async def list(self, *, options: Optional[RequestOptions] = None) -> List[Port]:
        """The ports that are exposed."""
        answer = await self._transport.send(get(self._path).with_options(options))
        return read_page(answer, Port.from_dict).data

    async def close(self, port: int, *, options: Optional[RequestOptions] = None) -> None:
        """Takes a port back: its URL leads nowhere from then on."""
        where = self._path + path("/{port}", port=port)
        await self._transport.send(Request("DELETE", where).with_options(options))
