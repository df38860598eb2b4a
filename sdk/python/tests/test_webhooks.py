"""Webhooks are proved to be ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Dict

import pytest

from theazo import ArgumentError, WebhookVerificationError, webhooks

from .conftest import KEY, Side

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'
#: The example of the specification's own libraries.
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": str(NOW),
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def unwrap(**over: Any) -> Dict[str, Any]:
    given: Dict[str, Any] = {"body": BODY, "headers": HEADERS, "secret": SECRET, "now": NOW, **over}
    return webhooks.unwrap(**given)


def test_it_is_what_the_standard_says(side: Side) -> None:
    assert unwrap() == {"test": 2432232314}
    assert unwrap(body=BODY.decode()) == {"test": 2432232314}
    client = side.kind(api_key=KEY)
    assert client.webhooks.unwrap(BODY, HEADERS, SECRET, now=NOW) == {"test": 2432232314}


def test_one_of_several_secrets_or_signatures_is_enough() -> None:
    assert unwrap(secret=["whsec_AAAA", SECRET])
    several = f"v1a,x v1,AAAA {HEADERS['Webhook-Signature']}"
    assert unwrap(headers={**HEADERS, "Webhook-Signature": several})


@pytest.mark.parametrize(
    ("over", "why"),
    [
        ({"body": BODY + b" "}, "signature"),
        ({"secret": "whsec_AAAA"}, "signature"),
        ({"now": NOW + 301}, "too long ago"),
        ({"now": NOW - 301}, "clock"),
        ({"headers": {}}, "webhook-id"),
        ({"headers": {**HEADERS, "Webhook-Id": "msg_other"}}, "signature"),
        ({"headers": {**HEADERS, "Webhook-Timestamp": "now"}}, "no time"),
        ({"headers": {**HEADERS, "Webhook-Signature": "v2,x"}}, "signature"),
    ],
)
def test_what_is_not_ours_is_refused(over: Any, why: str) -> None:
    with pytest.raises(WebhookVerificationError, match=why):
        unwrap(**over)


def test_wrong_arguments_say_what_is_right() -> None:
    with pytest.raises(ArgumentError, match="as it came"):
        unwrap(body={"test": 1})
    with pytest.raises(ArgumentError, match="whsec_"):
        unwrap(secret="whsec_no base64!")
    with pytest.raises(ArgumentError, match="`headers` is a NoneType"):
        unwrap(headers=None)


@pytest.mark.parametrize("secret", ["", "whsec_", None, 5, [], [SECRET, ""]])
def test_an_empty_secret_lets_nobody_sign(secret: Any) -> None:
    signed = f"m.{NOW}.{{}}".encode()
    signature = base64.b64encode(hmac.new(b"", signed, hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(NOW),
        "webhook-signature": f"v1,{signature}",
    }
    with pytest.raises(ArgumentError, match="environment variable"):
        unwrap(body=b"{}", headers=headers, secret=secret)


def test_what_is_ours_and_no_object_is_refused() -> None:
    key, signed = base64.b64decode(SECRET[6:]), f"m.{NOW}.[]".encode()
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(NOW),
        "webhook-signature": f"v1,{signature}",
    }
    with pytest.raises(WebhookVerificationError, match="JSON"):
        unwrap(body=b"[]", headers=headers)
