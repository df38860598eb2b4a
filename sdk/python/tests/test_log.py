"""The log says what was done, and nothing that is secret."""

from __future__ import annotations

import logging
import traceback

import pytest

import theazo
from theazo import types

from .conftest import KEY, Side
from .scripted import Server, answer, dropped, error
from .shapes import of

SECRETS = [KEY, "s3cr3t-value", "e2b_credential", "th_live_fresh", "print('private')", "t0ken"]


def test_nothing_secret_is_logged(
    side: Side, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = answer(of("Secret", name="A"), 201)
    made = answer(of("ApiKey", key="th_live_fresh"), 201, {"x-request-id": "req_7"})
    server.replies = [dropped(), secret, error(422, "unprocessable_entity", KEY), made]
    client = side.client(
        headers={"X-Auth": "t0ken"},
        compute={"provider": "e2b", "credentials": {"apiKey": "e2b_credential"}},
    )
    side.do(client.secrets.set("A", "s3cr3t-value"))
    with pytest.raises(theazo.UnprocessableEntityError):
        side.do(client.providers.configure("e2b", {"apiKey": "e2b_credential"}))
    key = side.do(client.keys.create("ci"))
    assert key.key == "th_live_fresh"
    data, response = side.do(client.with_response(lambda: client.keys.create("ci")))
    shown = [caplog.text, repr(client), repr(key), repr(data), repr(response)]
    shown.append(repr(client._transport.config))
    for secret_text in SECRETS:
        for text in shown:
            assert secret_text not in text, secret_text
    assert "POST " + server.url + "/v1/secrets" in caplog.text
    assert "with name, value" in caplog.text and "is tried again in" in caplog.text
    assert "-> 201" in caplog.text and "req_7" in caplog.text


def test_nothing_secret_is_in_an_error(side: Side, server: Server) -> None:
    server.replies = [error(401, "unauthorized"), dropped()]
    client = side.client(max_retries=0)
    for _ in range(2):
        with pytest.raises(theazo.TheazoError) as caught:
            side.do(client.secrets.set("A", "s3cr3t-value"))
        shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
        assert KEY not in shown.replace(KEY_LINE, "") and "s3cr3t-value" not in str(caught.value)


#: The source of these tests is in tracebacks.
KEY_LINE = f'KEY = "{KEY}"'


def test_a_webhook_secret_is_not_shown() -> None:
    assert "whsec_x" not in repr(types.WebhookSecret(secret="whsec_x"))


def test_a_header_that_cannot_be_sent_is_not_shown(side: Side, server: Server) -> None:
    headers = {"X-Auth": "t0ken\n"}
    with pytest.raises(theazo.ConfigError, match="X-Auth") as caught:
        side.client(headers=headers)
    assert "t0ken" not in str(caught.value)
    with pytest.raises(theazo.ArgumentError, match="X-Auth") as of_a_call:
        side.do(side.client().settings.get(options={"headers": headers}))
    assert "t0ken" not in str(of_a_call.value) and server.asked == []
