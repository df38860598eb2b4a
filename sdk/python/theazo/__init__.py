"""Theazo: agents for your users, each in a sandbox of its own, with limits and a bill.

```python
from theazo import Theazo

theazo = Theazo(api_key="th_live_…")
session = theazo.sessions.for_user("user_123")
result = session.run("researcher", "analyze competitor pricing")
print(result.output, result.cost.amount)
```

`AsyncTheazo` is the same to be awaited. All times that are given are in seconds.
"""

from . import errors, events, types, webhooks
from ._async.agent import AsyncAgent
from ._async.client import AsyncTheazo
from ._async.pages import AsyncPages
from ._async.runs import AsyncRunStream
from ._async.session import AsyncSession
from ._async.stream import AsyncStream
from ._core.answer import Answer
from ._core.page import Page
from ._core.request import RequestOptions
from ._sync.agent import Agent
from ._sync.client import Theazo
from ._sync.pages import Pages
from ._sync.runs import RunStream
from ._sync.session import Session
from ._sync.stream import Stream
from ._version import __version__
from .errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ArgumentError,
    AuthenticationError,
    ConfigError,
    ConflictError,
    ExecTimeoutError,
    InternalServerError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    SessionLimitExceededError,
    TaskCancelledError,
    TaskError,
    TaskFailedError,
    TheazoError,
    UnavailableError,
    UnexpectedAnswerError,
    UnprocessableEntityError,
    WebhookVerificationError,
)
from .results import RetryResult

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "Agent",
    "Answer",
    "ArgumentError",
    "AsyncAgent",
    "AsyncPages",
    "AsyncRunStream",
    "AsyncSession",
    "AsyncStream",
    "AsyncTheazo",
    "AuthenticationError",
    "ConfigError",
    "ConflictError",
    "ExecTimeoutError",
    "InternalServerError",
    "NotFoundError",
    "Page",
    "Pages",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "ProviderError",
    "RateLimitError",
    "RequestOptions",
    "RetryResult",
    "RunStream",
    "Session",
    "SessionLimitExceededError",
    "Stream",
    "TaskCancelledError",
    "TaskError",
    "TaskFailedError",
    "Theazo",
    "TheazoError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnprocessableEntityError",
    "WebhookVerificationError",
    "__version__",
    "errors",
    "events",
    "types",
    "webhooks",
]
