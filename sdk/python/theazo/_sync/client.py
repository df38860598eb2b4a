# Made of theazo/_async/client.py by tools/unasync.py: do not edit.
"""The client."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Callable, List, Mapping, Optional, Tuple, Type, TypeVar

import httpx

from .._core.answer import Answer
from .._core.config import Config, replaced, resolve
from .._core.state import ANSWERS, State
from ..errors import ArgumentError, ConfigError
from ..webhooks import Webhooks
from .agents import Agents
from .audit import Audit
from .billing import Billing
from .definitions import Definitions
from .keys import Keys
from .models import Models
from .providers import Providers
from .secrets import Secrets
from .service import Service
from .sessions import Sessions
from .settings import Settings
from .snapshots import Snapshots
from .tools import Tools
from .transport import Transport
from .usage import Usage

T = TypeVar("T")


class Theazo:
    """A client of Theazo.

    ```python
    theazo = Theazo(api_key="th_live_…")
    session = theazo.sessions.for_user("user_123")
    result = session.run("researcher", "analyze competitor pricing")
    print(result.output)
    ```

    Make one and keep it: it holds connections, and is safe to be used by many at once.

    Args:
        api_key: Without it, THEAZO_API_KEY.
        base_url: Without it, THEAZO_BASE_URL, else https://api.theazo.com.
        compute: Your own compute for all sessions: `{"provider": "e2b", "credentials": {"apiKey":
            "…"}}`. The credentials go into the vault before the first session is made.
        timeout: Seconds to wait for an answer. What takes long by its nature gets longer.
        max_retries: How often a call is made again that met a passing fault.
        retry_delay: Seconds before the first retry; each further one waits twice as long.
        max_retry_delay: Seconds that it waits at most.
        headers: To be sent with every call.
        http_client: Your own httpx client: for proxies, certificates, limits.
    """

    def __init__(
        self,
        *,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        compute: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        retry_delay: Optional[float] = None,
        max_retry_delay: Optional[float] = None,
        headers: Optional[Mapping[str, str]] = None,
        http_client: Optional[httpx.Client] = None,
    ) -> None:
        config = resolve(
            api_key,
            base_url,
            compute=compute,
            timeout=timeout,
            max_retries=max_retries,
            retry_delay=retry_delay,
            max_retry_delay=max_retry_delay,
            headers=headers,
        )
        if http_client is not None and not isinstance(http_client, httpx.Client):
            raise ConfigError(
                "`http_client` has to be a client of httpx, of the same kind as this."
            )
        self._owns_http = http_client is None
        # Streams and waits hold a connection each: the limit is not for them.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        http = http_client if http_client is not None else httpx.Client(limits=limits)
        self._begin(Transport(config, http, State()))

    def _begin(self, transport: Transport) -> None:
        self._transport = transport
        self.sessions = Sessions(transport)
        self.agents = Agents(transport)
        self.definitions = Definitions(transport)
        self.secrets = Secrets(transport)
        self.providers = Providers(transport)
        self.settings = Settings(transport)
        self.models = Models(transport)
        self.usage = Usage(transport)
        self.billing = Billing(transport)
        self.audit = Audit(transport)
        self.keys = Keys(transport)
        self.snapshots = Snapshots(transport)
        self.tools = Tools(transport)
        self.service = Service(transport)
        self.webhooks = Webhooks()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._transport.config.base_url!r})"

    @property
    def base_url(self) -> str:
        return self._transport.config.base_url

    def with_options(
        self,
        *,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        retry_delay: Optional[float] = None,
        max_retry_delay: Optional[float] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Theazo:
        """A copy with other settings, over the same connections.

        ```python
        patient = theazo.with_options(timeout=300, max_retries=5)
        ```
        """
        config: Config = replaced(
            self._transport.config,
            timeout=timeout,
            max_retries=max_retries,
            retry_delay=retry_delay,
            max_retry_delay=max_retry_delay,
            headers=headers,
        )
        copy = object.__new__(type(self))
        # Whoever has opened the connections closes them.
        copy._owns_http = False
        copy._begin(Transport(config, self._transport.http, self._transport.state))
        return copy

    def with_response(self, call: Callable[[], T]) -> Tuple[T, Answer]:
        """What a call comes to, beside its HTTP answer: status, headers, request id.

        ```python
        session, response = theazo.with_response(lambda: theazo.sessions.get("ses_…"))
        print(response.request_id, response.headers["ratelimit-remaining"])
        ```

        Of a call that makes several requests it is the last answer.
        """
        if not callable(call):
            raise ArgumentError(
                "`with_response` takes a function that makes the call: write `lambda:` before it."
            )
        answers: List[Answer] = []
        token = ANSWERS.set(answers)
        try:
            data = call()
        finally:
            ANSWERS.reset(token)
        if not answers:
            raise ArgumentError("`with_response` takes a function that makes a call of the API.")
        return data, answers[-1]

    def close(self) -> None:
        """Closes the connections, if this client has opened them."""
        if self._owns_http:
            self._transport.http.close()

    def __enter__(self) -> Theazo:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
