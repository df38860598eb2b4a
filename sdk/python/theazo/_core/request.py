"""One call of the API as data: built once, sent as often as it takes."""

from __future__ import annotations

import enum
import json
import platform
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, TypedDict
from urllib.parse import quote, urlencode

import httpx

from .._version import __version__
from ..errors import ArgumentError
from .codec import encode
from .config import Config, checked_headers, checked_retries, checked_timeout
from .names import camel

_AGENT = f"theazo-python/{__version__} python/{platform.python_version()}"


class RequestOptions(TypedDict, total=False):
    """What every method takes as `options=`, for this one call."""

    timeout: float
    """Seconds to wait for an answer."""
    max_retries: int
    idempotency_key: str
    """Your own name of what a POST does: whoever sends it again within 24 hours, even another
    process, gets the first answer and does nothing anew."""
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """A call, whole: a retry sends the very same bytes and the very same idempotency key."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    content_type: str = "application/json"
    accept: str = "application/json"
    idempotency_key: Optional[str] = None
    #: How long the server may take by itself before it answers: on top of the client's timeout.
    patience: float = 0.0
    #: Seconds without a byte, after which a stream is taken for dead.
    idle: Optional[float] = None
    timeout: Optional[float] = None
    max_retries: Optional[int] = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_options(self, options: Optional[RequestOptions]) -> Request:
        """With what the caller wants of this call."""
        if not isinstance(options, (Mapping, type(None))):
            kind = type(options).__name__
            raise ArgumentError(f'`options` is a {kind}; it has to be like {{"timeout": 30}}.')
        # `None` is what was not given, as everywhere.
        given: Dict[str, Any] = {k: v for k, v in (options or {}).items() if v is not None}
        unknown = set(given) - set(RequestOptions.__annotations__)
        if unknown:
            known = ", ".join(f"`{name}`" for name in RequestOptions.__annotations__)
            raise ArgumentError(f"`options` has no `{sorted(unknown)[0]}`; it has {known}.")
        if "idempotency_key" in given and self.method != "POST":
            raise ArgumentError("`idempotency_key` goes with what creates or starts something.")
        key = given.get("idempotency_key", "-")
        if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key:
            raise ArgumentError("`idempotency_key` has to be a text of printable ASCII characters.")
        if "timeout" in given:
            checked_timeout(given["timeout"])
        if "max_retries" in given:
            checked_retries(given["max_retries"])
        if "headers" in given:
            checked_headers(given["headers"])
        return replace(self, **given)

    def url(self, config: Config) -> str:
        tail = f"?{urlencode(self.query)}" if self.query else ""
        return f"{config.base_url}{self.path}{tail}"

    def head(self, config: Config, attempt: int, position: Optional[int]) -> Dict[str, str]:
        """The headers of one attempt."""
        head = {
            "Authorization": f"Bearer {config.api_key}",
            "Accept": self.accept,
            "User-Agent": _AGENT,
            **config.headers,
        }
        if self.body is not None:
            head["Content-Type"] = self.content_type
        if self.idempotency_key:
            head["Idempotency-Key"] = self.idempotency_key
        if self.method == "GET" and position is not None:
            head["X-Theazo-Min-Position"] = str(position)
        if attempt:
            head["X-Theazo-Retry-Count"] = str(attempt)
        return {**head, **self.headers}

    def after(self, event_id: Optional[str]) -> Request:
        """As a stream that goes on after an event."""
        if event_id is None:
            return self
        return replace(self, headers={**self.headers, "Last-Event-ID": event_id})

    def patient(self, config: Config) -> Request:
        """As a stream that was there is connected again: a server that restarts is waited for."""
        retries = self.retries(config)
        return replace(self, max_retries=max(retries, 5) if retries else 0)

    def limits(self, config: Config) -> httpx.Timeout:
        """How long each part may take."""
        most = self.timeout if self.timeout is not None else config.timeout
        read = self.idle if self.idle is not None else most + self.patience
        return httpx.Timeout(most, read=read)

    def retries(self, config: Config) -> int:
        return config.max_retries if self.max_retries is None else self.max_retries


def rest_of(options: Optional[RequestOptions]) -> Optional[RequestOptions]:
    """What is wanted of the calls after the first: its idempotency key is its own."""
    if not options or "idempotency_key" not in options:
        return options
    rest = options.copy()
    del rest["idempotency_key"]
    return rest


def path(template: str, **parts: Any) -> str:
    """The path with its ids, each checked: one that is empty would call something else."""
    quoted = {}
    for name, value in parts.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            kind = type(value).__name__
            raise ArgumentError(
                f"`{name}` is a {kind}; it has to be a text, like an object's `.id`."
            )
        text = str(value)
        if not text.strip() or text in (".", ".."):
            raise ArgumentError(f"`{name}` is {text!r}; it has to name something.")
        quoted[name] = quote(utf8(text, name), safe="")
    return template.format(**quoted)


def utf8(text: str, name: str) -> bytes:
    """Its bytes. Half a character, which a text can have, has none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"`{name}` has half a character, which cannot be sent.") from None


def query(**given: Any) -> Dict[str, str]:
    """What was given, with the API's names and in its words."""
    words = {}
    for name, value in given.items():
        if value is not None:
            value = encode(Any, value)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            utf8(text, name)
            words[camel(name)] = text
    return words


class NotGiven(enum.Enum):
    """What an argument is that was not given, where `None` means something else."""

    NOT_GIVEN = "not given"


NOT_GIVEN = NotGiven.NOT_GIVEN


def body(shape: Any, nulls: Optional[Mapping[str, Any]] = None, **given: Any) -> bytes:
    """The JSON of what was given. What is `None` is left out, except of `nulls`."""
    some = {name: value for name, value in given.items() if value is not None}
    some.update({name: value for name, value in (nulls or {}).items() if value is not NOT_GIVEN})
    try:
        return json.dumps(encode(shape, some), ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ArgumentError("An argument has itself in it, or is nested too deeply.") from None
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"An argument cannot be written as JSON: {error}.") from None


def get(to: str, query: Optional[Mapping[str, str]] = None, **more: Any) -> Request:
    return Request("GET", to, query or {}, **more)


def post(to: str, body: bytes = b"{}", **more: Any) -> Request:
    """With an idempotency key of its own."""
    return Request("POST", to, body=body, idempotency_key=f"py-{uuid.uuid4()}", **more)
