"""Whether a call is made again, and when."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Mapping, Optional

from .config import Config

#: Whoever has to wait longer is better told.
_LONGEST = 60.0
#: The server has tried, and says what came of it: asked again it would say the same.
_SETTLED = ("timeout", "provider_error")


def worth_repeating(status: int, code: Optional[str], headers: Mapping[str, str]) -> bool:
    """Whether the same call may come out otherwise.

    A 409 is about the state of something, except where the server says when to come back: then the
    first request with this idempotency key is still under way.
    """
    if code in _SETTLED:
        return False
    if status == 409:
        return "retry-after" in headers
    return status in (408, 429) or status >= 500


def delay(config: Config, attempt: int, after: Optional[float] = None) -> Optional[float]:
    """Seconds to wait before the attempt after `attempt` (the first is 0); None: do not.

    A quarter of it is chance, so that many clients do not come back at once.
    """
    if after is not None:
        return after if after <= _LONGEST else None
    grown: float = min(config.retry_delay * 2.0**attempt, config.max_retry_delay)
    return grown * (1 - 0.25 * random.random())


def retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds that the server asks for."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max((at - datetime.now(timezone.utc)).total_seconds(), 0.0)
