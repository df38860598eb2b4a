# Made of theazo/_async/agent_files.py by tools/unasync.py: do not edit.
"""The files of an agent."""

from __future__ import annotations

from typing import List, Optional, Union

from .._core.page import read_page
from .._core.request import Request, RequestOptions, get, path, query, utf8
from ..errors import ArgumentError
from ..types import FileEntry, WrittenFile
from .resource import Resource
from .transport import Transport

_BYTES = "application/octet-stream"


class Files(Resource):
    """`agent.files`: what is in its sandbox. They live as long as the agent, also while it is
    paused."""

    def __init__(self, transport: Transport, agent_id: str) -> None:
        super().__init__(transport)
        self._path = path("/v1/agents/{agent_id}/files", agent_id=agent_id)

    def write(
        self,
        file: str,
        data: Union[str, bytes],
        *,
        options: Optional[RequestOptions] = None,
    ) -> WrittenFile:
        """Writes a file, whole. A text is written as UTF-8.

        ```python
        agent.files.write("/workspace/input.json", json.dumps({"query": "hello"}))
        ```
        """
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            kind = type(data).__name__
            raise ArgumentError(
                f"`data` is a {kind}; it has to be a text or bytes. Of a file give `.read()`, of "
                "an object `json.dumps(…)`."
            )
        content = utf8(data, "data") if isinstance(data, str) else bytes(data)
        request = Request("PUT", self._path, query(path=file), content, _BYTES)
        return self._transport.call(request.with_options(options), WrittenFile)

    def read(self, file: str, *, options: Optional[RequestOptions] = None) -> bytes:
        """The content of a file.

        ```python
        text = agent.files.read("/workspace/output.md").decode()
        ```
        """
        request = get(self._path, query(path=file), accept=_BYTES).with_options(options)
        return self._transport.send(request).body

    def list(
        self, folder: str = "/workspace", *, options: Optional[RequestOptions] = None
    ) -> List[FileEntry]:
        """What is in a folder: each with `name`, `size` and `is_directory`."""
        request = get(self._path + "/list", query(path=folder)).with_options(options)
        answer = self._transport.send(request)
        return read_page(answer, FileEntry.from_dict).data

    def delete(self, file: str, *, options: Optional[RequestOptions] = None) -> None:
        """Deletes a file."""
        request = Request("DELETE", self._path, query(path=file)).with_options(options)
        self._transport.send(request)
