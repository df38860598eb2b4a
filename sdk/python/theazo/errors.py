"""What goes wrong, as one tree: `except TheazoError` catches all of it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Type

from .types import Task


class TheazoError(Exception):
    """The root of all errors of this package."""

    #: One word to decide by: a code of the API (`not_found`, `rate_limited`, …) or one of ours.
    code: str = "error"
    #: The HTTP status, where an answer came.
    status: Optional[int] = None
    #: The server's id of the request: it is in every log line and event that the request caused.
    request_id: Optional[str] = None

    def __init__(self, message: str, *, details: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.message = message
        #: What the server says besides: `fields`, `retryAfter`, `taskId`, `output`.
        self.details: Dict[str, Any] = details or {}


class ConfigError(TheazoError, ValueError):
    """The client cannot be made like this: a key or a URL that cannot be right."""

    code = "config"


class ArgumentError(TheazoError, ValueError):
    """A call that cannot be right, found before anything was sent."""

    code = "argument"


class APIConnectionError(TheazoError):
    """No answer came: nothing listens there, the network is down, or the answer broke off."""

    code = "connection"


class APITimeoutError(APIConnectionError):
    """No answer came in time."""

    code = "client_timeout"


class APIError(TheazoError):
    """The server has answered that it did not do it."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        status: Optional[int] = None,
        request_id: Optional[str] = None,
        details: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(message, details=details)
        self.code = code
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        code = f"{self.status} {self.code}" if self.status else self.code
        tail = f", {self.request_id}" if self.request_id else ""
        return f"{self.message} ({code}{tail})"


class UnexpectedAnswerError(APIError):
    """What answered does not speak as Theazo does: a proxy in between, or another server."""


class AuthenticationError(APIError):
    """401: the key is missing, revoked, or not of this server."""


class SessionLimitExceededError(APIError):
    """402: a limit of the session is reached. Raise it with `session.update(limits=…)`."""


class PermissionDeniedError(APIError):
    """403: the key may not do this."""


class NotFoundError(APIError):
    """404: it does not exist, or is of another organization or mode."""


class ConflictError(APIError):
    """409: the state of the thing does not allow it; the message says which."""


class PayloadTooLargeError(APIError):
    """413: send less."""


class UnprocessableEntityError(APIError):
    """422: `fields` says what to mend."""

    @property
    def fields(self) -> List[Dict[str, str]]:
        """Each has `path` and `message`."""
        found = self.details.get("fields")
        return found if isinstance(found, list) else []


class RateLimitError(APIError):
    """429: wait `retry_after` seconds."""

    @property
    def retry_after(self) -> Optional[float]:
        found = self.details.get("retryAfter")
        return float(found) if isinstance(found, (int, float)) else None


class InternalServerError(APIError):
    """500: it is not known whether it took effect; the same call with the same idempotency key
    settles it."""


class ProviderError(APIError):
    """502: the compute provider, or the model's vendor, failed."""


class UnavailableError(APIError):
    """503: not at the moment, and nothing was changed."""


class ExecTimeoutError(APIError):
    """504: the work took longer than it may."""


class TaskError(TheazoError):
    """A run has not ended well. `task` has all of it; `output` is what it had said by then."""

    def __init__(self, message: str, *, task: Task, code: str) -> None:
        details = {"taskId": task.id, "output": task.output}
        super().__init__(message, details=details)
        self.code = code
        self.task = task
        self.task_id = task.id
        self.output = task.output


class TaskFailedError(TaskError):
    """The task failed; `code` says why: `provider_error`, `timeout`, `session_limit_exceeded`, …"""


class TaskCancelledError(TaskError):
    """The task was cancelled."""


class WebhookVerificationError(TheazoError):
    """A request that is not a webhook of ours, is too old, or was changed on its way."""

    code = "webhook_verification"


#: By the API's codes. An answer with a code that is not here is an `APIError`.
BY_CODE: Dict[str, Type[APIError]] = {
    "unauthorized": AuthenticationError,
    "session_limit_exceeded": SessionLimitExceededError,
    "forbidden": PermissionDeniedError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "payload_too_large": PayloadTooLargeError,
    "unprocessable_entity": UnprocessableEntityError,
    "rate_limited": RateLimitError,
    "internal_error": InternalServerError,
    "provider_error": ProviderError,
    "unavailable": UnavailableError,
    "timeout": ExecTimeoutError,
}


def of_task(task: Task) -> TaskError:
    """Why a task that has ended has no result."""
    if task.status == "cancelled":
        return TaskCancelledError(f"The task {task.id} was cancelled.", task=task, code="cancelled")
    error = task.error
    code, why = (error.code, error.message) if error else ("error", "no reason was given")
    return TaskFailedError(f"The task {task.id} failed: {why}", task=task, code=code)
