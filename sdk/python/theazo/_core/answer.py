"""What an HTTP answer means: a value, or one of our errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Type, TypeVar

import httpx

from ..errors import (
    BY_CODE,
    APIConnectionError,
    APIError,
    APITimeoutError,
    ArgumentError,
    ConfigError,
    TheazoError,
    UnexpectedAnswerError,
)
from .codec import DecodeError, Model
from .redact import redact
from .request import Request

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    #: How often the call was made before this answer came.
    retries: int = 0

    @property
    def request_id(self) -> Optional[str]:
        """The server's id of the request."""
        return self.headers.get("x-request-id")

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def json(self) -> Any:
        """The body, if it is the JSON that a success has.

        Raises:
            UnexpectedAnswerError: When it is something else.
        """
        if self.content_type != "application/json":
            raise unexpected(self)
        try:
            return json.loads(self.body)
        except ValueError:
            raise unexpected(self, "and its JSON breaks off or is none") from None


def envelope(answer: Answer) -> Optional[Dict[str, Any]]:
    """The `error` of an answer that is Theazo's."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("code"), str) else None


def code_of(answer: Answer) -> Optional[str]:
    error = envelope(answer)
    return error["code"] if error else None


def failure(answer: Answer) -> APIError:
    """The error that an answer is."""
    error = envelope(answer)
    if error is None:
        return unexpected(answer)
    kind = BY_CODE.get(error["code"], APIError)
    message = str(error.get("message") or "The server gave no message.")
    if answer.status == 401:
        message += (
            " Is it a key of this server, and is it not revoked? (`api_key=`, THEAZO_API_KEY)"
        )
    details = error.get("details")
    return kind(
        message,
        code=error["code"],
        status=answer.status,
        request_id=error.get("requestId") or answer.request_id,
        details=details if isinstance(details, dict) else None,
    )


def unexpected(answer: Answer, why: Optional[str] = None) -> UnexpectedAnswerError:
    """Something answered that is not Theazo."""
    kind = answer.content_type or "no content type"
    why = why or f"with {kind}, which Theazo does not"
    hint = "Is `base_url` (THEAZO_BASE_URL) right, and what does a proxy in between do?"
    location = answer.headers.get("location")
    if location and 300 <= answer.status < 400:
        hint = f"It redirects to {location}: set `base_url` to where the API itself is."
    # Without a key: some servers answer with the headers that they were sent.
    whole = redact(answer.body[:2_000].decode("utf-8", "replace"))
    start = " ".join(whole.split())[:120]
    begins = f" It begins: {start}" if start else ""
    return UnexpectedAnswerError(
        f"{answer.method} {answer.url} was answered {why}. {hint}{begins}",
        code="unexpected_answer",
        status=answer.status,
        request_id=answer.request_id,
    )


def shaped(answer: Answer, model: Type[M]) -> M:
    """The answer as `model`.

    Raises:
        UnexpectedAnswerError: When it is not of that shape.
    """
    try:
        return model.from_dict(answer.json())
    except DecodeError as error:
        raise unexpected(answer, f"with JSON that is not a {model.__name__} ({error})") from None


def is_broken(request: Request, answer: Answer) -> bool:
    """A success whose JSON was cut, which nothing else tells of."""
    json_only = request.accept == answer.content_type == "application/json"
    if not answer.is_success or not json_only:
        return False
    try:
        json.loads(answer.body)
    except ValueError:
        return True
    return False


def is_done(request: Request, answer: Answer, doubtful: bool) -> bool:
    """A success, and not some page of a proxy.

    So is a deletion that is repeated, because it was not known whether it happened, and finds
    nothing: it had happened.
    """
    if answer.is_success:
        return answer.content_type == request.accept
    return request.method == "DELETE" and answer.status == 404 and doubtful


def is_kind(request: Request, response: httpx.Response) -> bool:
    """Whether a stream is what was asked for, and not some page of a proxy."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    return response.status_code == 204 or kind == request.accept


def unreachable(request: Request, url: str, error: httpx.RequestError) -> TheazoError:
    """No answer came."""
    call, why = f"{request.method} {url}", str(error) or type(error).__name__
    if isinstance(error, httpx.UnsupportedProtocol):
        return ConfigError(f"`base_url` cannot be called: {why}")
    if isinstance(error, httpx.LocalProtocolError):
        # Its words hold the header's value.
        return ArgumentError(
            "A header of this call cannot be sent: it has characters that none has."
        )
    if isinstance(error, httpx.ConnectTimeout):
        return APITimeoutError(f"{call}: no connection in time. Is the server up and reachable?")
    if isinstance(error, httpx.TimeoutException):
        return APITimeoutError(
            f"{call}: no answer in time. Give it longer with `timeout=` (seconds), of the client "
            "or in `options=`."
        )
    if isinstance(error, httpx.ProxyError):
        return APIConnectionError(
            f"{call}: the proxy does not let it through ({why}). Look at HTTPS_PROXY, HTTP_PROXY "
            "and NO_PROXY."
        )
    if isinstance(error, httpx.ConnectError) and "SSL" in why:
        return APIConnectionError(
            f"{call}: cannot connect ({why}). Is `base_url` (THEAZO_BASE_URL) to begin with "
            "http://, or is a certificate in between not trusted?"
        )
    if isinstance(error, httpx.ConnectError):
        return APIConnectionError(
            f"{call}: cannot connect ({why}). Does the server run, and is `base_url` "
            "(THEAZO_BASE_URL) right?"
        )
    return APIConnectionError(f"{call}: the connection broke off ({why}).")
