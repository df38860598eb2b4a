"""Webhooks: whether a request is one of ours, and what it says.

```python
@app.post("/webhooks/theazo")
def done(request):
    event = theazo.webhooks.unwrap(request.body, request.headers, secret=SECRET)
    print(event["taskId"], event["status"])
```

They are signed the Standard Webhooks way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from .errors import ArgumentError, WebhookVerificationError

#: Seconds that the sender's clock may be away from ours.
TOLERANCE = 300


class Webhooks:
    """`client.webhooks`."""

    def unwrap(
        self,
        body: Union[bytes, str],
        headers: Mapping[str, str],
        secret: Union[str, Sequence[str]],
        *,
        tolerance: int = TOLERANCE,
        now: Optional[float] = None,
    ) -> Dict[str, Any]:
        """What a webhook says, after it is proved to be ours.

        `body` is the request's body as it came, before any JSON was read. `secret` is
        `client.settings.webhook_secret()`; of several, while one replaces another, any will do.

        Raises:
            WebhookVerificationError: It is not from us, is too old, or was changed on its way.
        """
        return unwrap(body, headers, secret, tolerance=tolerance, now=now)


def unwrap(
    body: Union[bytes, str],
    headers: Mapping[str, str],
    secret: Union[str, Sequence[str]],
    *,
    tolerance: int = TOLERANCE,
    now: Optional[float] = None,
) -> Dict[str, Any]:
    """As `client.webhooks.unwrap`, without a client."""
    content = body.encode() if isinstance(body, str) else body
    if not isinstance(content, (bytes, bytearray)):
        kind = type(body).__name__
        raise ArgumentError(
            f"`body` is a {kind}; give the request's body as it came, before its JSON is read."
        )
    verify(bytes(content), headers, secret, tolerance=tolerance, now=now)
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise WebhookVerificationError("The webhook is signed by us and has no JSON object.")
    return said


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: Union[str, Sequence[str]],
    *,
    tolerance: int = TOLERANCE,
    now: Optional[float] = None,
) -> None:
    """Proves that a request is a webhook of ours."""
    # Not every framework's headers are a `Mapping`.
    if not hasattr(headers, "items"):
        kind = type(headers).__name__
        raise ArgumentError(f"`headers` is a {kind}; give the request's headers.")
    keys = _keys(secret)
    given = {str(name).lower(): value for name, value in headers.items()}
    parts = [given.get(f"webhook-{part}") for part in ("id", "timestamp", "signature")]
    if not all(parts):
        raise WebhookVerificationError(
            "The request has no `webhook-id`, `webhook-timestamp` and `webhook-signature`: it is "
            "none of ours, or something in between drops headers."
        )
    ident, sent, signatures = (str(part) for part in parts)
    if not sent.isascii() or not sent.isdigit():
        raise WebhookVerificationError("The webhook's `webhook-timestamp` is no time.")
    if abs((time.time() if now is None else now) - int(sent)) > tolerance:
        raise WebhookVerificationError(
            "The webhook was sent too long ago, or this machine's clock is wrong."
        )
    signed = f"{ident}.{sent}.".encode() + body
    expected = [_signature(key, signed) for key in keys]
    found = [text[3:] for text in signatures.split() if text.startswith("v1,")]
    # All are compared, each in constant time.
    same = [hmac.compare_digest(a.encode(), b.encode()) for a in expected for b in found]
    if not any(same):
        raise WebhookVerificationError(
            "The webhook's signature is not right: another secret "
            "(`client.settings.webhook_secret()`), or a body that is not as it came."
        )


def _keys(secret: Union[str, Sequence[str]]) -> List[bytes]:
    """The keys of the secrets. One that is empty would let anybody sign."""
    secrets = list(secret) if isinstance(secret, (list, tuple)) else [secret]
    keys = [_key(one) for one in secrets]
    if keys and all(keys):
        return keys
    raise ArgumentError(
        "`secret` is no signing secret: it begins with `whsec_`. Is the environment variable that "
        "it comes from set?"
    )


def _key(secret: Any) -> bytes:
    """Empty where it is none."""
    if not isinstance(secret, str):
        return b""
    text = secret[6:] if secret.startswith("whsec_") else secret
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
