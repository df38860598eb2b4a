"""What is logged under the name `theazo`, without anything that is secret.

Bodies are never logged: code, inputs and answers may hold anything. Of them there are the names of
the fields and the size.
"""

from __future__ import annotations

import json
import logging
from typing import Mapping

from .redact import redact
from .request import Request

logger = logging.getLogger("theazo")

#: Headers whose values anyone may read.
_OPEN = (
    "accept",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "user-agent",
    "x-theazo-min-position",
    "x-theazo-retry-count",
)


def headers(given: Mapping[str, str]) -> str:
    """Headers to read: of those that are not known to be harmless, the names only."""
    shown = (f"{k}: {v if k.lower() in _OPEN else '[redacted]'}" for k, v in given.items())
    return ", ".join(shown)


def sending(request: Request, url: str, head: Mapping[str, str], attempt: int) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        again = f" (retry {attempt})" if attempt else ""
        body = about(request)
        logger.debug("%s %s%s [%s]%s", request.method, redact(url), again, headers(head), body)


def about(request: Request) -> str:
    """What a body is, without what is in it."""
    if request.body is None:
        return ""
    names = ""
    if request.content_type == "application/json":
        content = json.loads(request.body)
        names = f" with {', '.join(sorted(content))}" if content else ""
    return f" {len(request.body)} bytes{names}"


def came(request: Request, url: str, status: int, request_id: object, seconds: float) -> None:
    logger.debug(
        "%s %s -> %s in %.0f ms (%s)",
        request.method,
        redact(url),
        status,
        seconds * 1000,
        request_id or "no request id",
    )


def again(request: Request, url: str, why: str, seconds: float) -> None:
    logger.info(
        "%s %s is tried again in %.2f s: %s", request.method, redact(url), seconds, redact(why)
    )
