"""Everything that can be wrong says what, and what to do."""

from __future__ import annotations

import math
import socket
from datetime import timedelta
from typing import Any, Dict

import pytest

import theazo
from theazo import APIConnectionError, ArgumentError, ConfigError, UnexpectedAnswerError
from theazo.errors import BY_CODE

from .conftest import KEY, Side
from .scripted import Server, answer, error, html
from .shapes import AGENT, DONE_TASK, SESSION, TASK


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        (None, "THEAZO_API_KEY"),
        ("", "THEAZO_API_KEY"),
        ("th_live_...", "placeholder"),
        ("th_live_…", "placeholder"),
        ("th_live_short", "cut off"),
        (KEY[:20] + " " + KEY[20:], "cut off"),
        ("Bearer " + KEY, "Bearer"),
        ("sk-ant-0123456789abcdef0123456789", "secrets.set"),
        ("whatever", "begins with"),
        (17, "text"),
    ],
)
def test_a_key_that_cannot_be_one(side: Side, key: Any, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint) as caught:
        side.kind(api_key=key)
    assert not key or len(str(key)) < 12 or str(key) not in str(caught.value)


def test_a_key_from_a_file_has_a_line_break(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    side.do(side.client(api_key=KEY + "\n").sessions.get("ses_1"))
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:7070",
        "ftp://x",
        "http://",
        "http://x?a=1",
        "api",
        5,
        "http://[::1",
        "http://x:99999",
    ],
)
def test_a_url_that_cannot_be_one(side: Side, url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        side.kind(api_key=KEY, base_url=url)


def test_a_base_url_may_end_with_v1(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    side.do(side.client(base_url=server.url + "/v1/").sessions.get("ses_1"))
    assert server.asked[0].path == "/v1/sessions/ses_1"


def test_settings_come_from_the_environment(
    side: Side, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEAZO_API_KEY", KEY)
    monkeypatch.setenv("THEAZO_BASE_URL", server.url)
    server.replies = [answer(SESSION)]
    client = side.client(api_key=None, base_url=None)
    side.do(client.sessions.get("ses_1"))
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "5m"},
        {"timeout": math.inf},
        {"retry_delay": math.nan},
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"headers": {"a": 5}},
        {"headers": "a: b"},
        {"http_client": 5},
        {"compute": {}},
        {"compute": {"provider": "e2b", "credentials": {"apiKey": None}}},
    ],
)
def test_an_option_that_cannot_be_right(side: Side, options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        side.client(**options)


def test_a_wrong_key_says_where_to_look(side: Side, server: Server) -> None:
    server.replies = [error(401, "unauthorized", "This API key is not known.")]
    with pytest.raises(theazo.AuthenticationError, match=r"not revoked.*THEAZO_API_KEY"):
        side.do(side.client().sessions.get("ses_1"))


def test_no_server(side: Side) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(APIConnectionError, match=r"Does the server run.*base_url"):
        side.do(side.client(base_url=url, max_retries=1).sessions.get("ses_1"))


def test_no_such_host(side: Side) -> None:
    client = side.client(base_url="http://theazo.invalid", max_retries=0)
    with pytest.raises(APIConnectionError, match="base_url"):
        side.do(client.sessions.get("ses_1"))


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_server_that_answers_html(side: Side, server: Server, status: int) -> None:
    server.replies = [html(status)]
    with pytest.raises(UnexpectedAnswerError, match=r"text/html.*proxy.*Bad gateway") as caught:
        side.do(side.client(max_retries=0).sessions.get("ses_1"))
    assert caught.value.status == status and caught.value.code == "unexpected_answer"


def test_a_page_is_not_taken_for_a_file_or_for_a_success(side: Side, server: Server) -> None:
    server.replies = [answer(AGENT), html(200)]
    agent = side.do(side.client().agents.get("agt_1"))
    files = agent.files
    for call in (files.read, files.delete):
        with pytest.raises(UnexpectedAnswerError, match="text/html"):
            side.do(call("/workspace/a"))
    with pytest.raises(UnexpectedAnswerError, match="text/html"):
        side.do(agent.terminate())


def test_a_server_that_answers_with_our_headers_shows_no_key(side: Side, server: Server) -> None:
    server.replies = [answer(f"Authorization: Bearer {KEY}".encode(), kind="text/plain")]
    with pytest.raises(UnexpectedAnswerError, match="redacted") as caught:
        side.do(side.client().sessions.get("ses_1"))
    assert KEY[:16] not in str(caught.value)


def test_a_closed_client_says_so(side: Side) -> None:
    client = side.client()
    side.do(client.close())
    with pytest.raises(ConfigError, match="closed"):
        side.do(client.sessions.get("ses_1"))


def test_a_stream_that_is_html(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), html(200)]
    session = side.do(side.client().sessions.get("ses_1"))
    with pytest.raises(UnexpectedAnswerError, match="text/html"):
        side.all(session.tasks.events("task_1"))


def test_a_proxy_that_redirects(side: Side, server: Server) -> None:
    server.replies = [answer(b"", 302, {"location": "https://login.example"}, "text/html")]
    with pytest.raises(UnexpectedAnswerError, match=r"redirects to https://login.example"):
        side.do(side.client().sessions.get("ses_1"))


def test_a_proxy_that_lets_nothing_through(
    side: Side, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [answer(b"no", 403, kind="text/plain")]
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, server.url)
    client = side.client(base_url="https://theazo.invalid", max_retries=0)
    with pytest.raises(APIConnectionError, match="HTTPS_PROXY"):
        side.do(client.sessions.get("ses_1"))


def test_another_server_that_speaks_json(side: Side, server: Server) -> None:
    server.replies = [answer({"hello": "world"})]
    with pytest.raises(UnexpectedAnswerError, match=r"not a Session.*is missing"):
        side.do(side.client().sessions.get("ses_1"))
    with pytest.raises(UnexpectedAnswerError, match="no list"):
        side.all(side.client().sessions.list())


def test_every_code_has_its_class(side: Side, server: Server) -> None:
    fields = [{"path": "limits.maxAgents", "message": "must be positive"}]
    for code, kind in BY_CODE.items():
        server.replies = [error(418, code, "why", details={"fields": fields})]
        with pytest.raises(kind, match="why") as caught:
            side.do(side.client(max_retries=0).sessions.get("ses_1"))
        assert type(caught.value) is kind and caught.value.details["fields"] == fields
    server.replies = [error(418, "teapot")]
    with pytest.raises(theazo.APIError) as other:
        side.do(side.client().sessions.get("ses_1"))
    assert other.value.code == "teapot"


def test_a_missing_or_wrong_id_is_not_sent(side: Side, server: Server) -> None:
    client = side.client()
    for wrong in ("", "  ", "..", None, 1.5, {"id": "ses_1"}, "half a \ud83d"):
        with pytest.raises(ArgumentError, match="session_id"):
            side.do(client.sessions.get(wrong))
    assert server.asked == []


def test_ids_are_quoted(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    side.do(side.client().sessions.for_user("a/b?c=d é"))
    assert server.asked[0].path == "/v1/sessions/by-user/a%2Fb%3Fc%3Dd%20%C3%A9"


def test_wrong_arguments_say_what_is_right(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    client = side.client()
    session = side.do(client.sessions.get("ses_1"))
    with pytest.raises(TypeError, match="usr"):
        client.sessions.create(usr="user_1")
    with pytest.raises(ArgumentError, match="JSON"):
        side.do(client.sessions.create(user_id="u", metadata={"a": object()}))
    circle: Dict[str, Any] = {}
    circle["a"] = circle
    with pytest.raises(ArgumentError, match="itself"):
        side.do(client.sessions.create(user_id="u", metadata=circle))
    for options, said in [
        ("x", "`options` is a str"),
        ({"timeout": -1}, "`timeout`"),
        ({"timeout": "5x"}, "`timeout`"),
        ({"max_retries": "x"}, "`max_retries`"),
        ({"headers": {"a": 5}}, "value of 'a'"),
    ]:
        with pytest.raises(ArgumentError, match=said):
            side.do(client.sessions.get("ses_1", options=options))
    for last in (5, "é"):
        with pytest.raises(ArgumentError, match="last_event_id"):
            side.all(session.tasks.stream("task_1", last_event_id=last))
    with pytest.raises(ArgumentError, match="lambda"):
        side.do(client.with_response(session))
    with pytest.raises(ArgumentError, match='"5m"'):
        side.do(session.tasks.wait("task_1", timeout=timedelta(seconds=-1)))
    with pytest.raises(ArgumentError, match='"5m"'):
        side.do(session.tasks.wait("task_1", timeout="five minutes"))
    with pytest.raises(ArgumentError, match="`options` has no `time`"):
        side.do(client.sessions.get("ses_1", options={"time": 1}))
    with pytest.raises(ArgumentError, match="idempotency_key"):
        side.do(client.sessions.get("ses_1", options={"idempotency_key": "x"}))
    with pytest.raises(ArgumentError, match="printable"):
        side.do(client.sessions.create(user_id="u", options={"idempotency_key": "é"}))
    with pytest.raises(ArgumentError, match="format"):
        client.billing.export("xml")
    assert len(server.asked) == 1


def test_a_run_that_fails_raises_with_its_task(side: Side, server: Server) -> None:
    failed = {
        **TASK,
        "status": "failed",
        "output": "so far",
        "error": {"code": "provider_error", "message": "the model is down"},
    }
    server.replies = [answer(SESSION), answer(TASK, 201), answer(failed)]
    session = side.do(side.client().sessions.get("ses_1"))
    with pytest.raises(theazo.TaskFailedError, match="the model is down") as caught:
        side.do(session.run("researcher", "x"))
    assert (caught.value.code, caught.value.output) == ("provider_error", "so far")
    assert caught.value.task_id == "task_1" and caught.value.task.status == "failed"


def test_a_run_that_is_cancelled_raises(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), answer(TASK, 201), answer({**TASK, "status": "cancelled"})]
    session = side.do(side.client().sessions.get("ses_1"))
    with pytest.raises(theazo.TaskCancelledError):
        side.do(session.run("researcher", "x"))


def test_a_run_is_one_task(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), answer(TASK, 201), answer(DONE_TASK)]
    session = side.do(side.client().sessions.get("ses_1"))
    options = {"idempotency_key": "mine"}
    result = side.do(session.run("researcher", {"query": "x"}, options=options))
    assert result.output == "42" and result.task_id == "task_1"
    assert server.asked[1].json == {"input": {"query": "x"}, "agent": "researcher"}
    assert server.asked[1].headers["idempotency-key"] == "mine"


def test_an_answer_beside_its_data(side: Side, server: Server) -> None:
    server.replies = [html(503), answer(SESSION, headers={"x-request-id": "req_9"})]
    client = side.client()
    data, response = side.do(client.with_response(lambda: client.sessions.get("ses_1")))
    assert data.id == "ses_1"
    assert (response.status, response.request_id, response.retries) == (200, "req_9", 1)


def test_own_compute_is_configured_once(side: Side, server: Server) -> None:
    provider = {
        "provider": "e2b",
        "isDefault": False,
        "status": "active",
        "createdAt": "2026-05-01T00:00:00Z",
    }
    made = {**SESSION, "compute": {"provider": "e2b"}}
    server.replies = [answer(provider, 201), answer(made, 201)]
    client = side.client(compute={"provider": "e2b", "credentials": {"apiKey": "e2b_x"}})
    side.do(client.sessions.for_user("user_1"))
    side.do(client.with_options(timeout=5).sessions.create(user_id="user_2"))
    assert [asked.path for asked in server.asked] == [
        "/v1/providers",
        "/v1/sessions/by-user/user_1",
        "/v1/sessions",
    ]
    assert server.asked[0].json == {"provider": "e2b", "credentials": {"apiKey": "e2b_x"}}
    assert server.asked[1].json == {"compute": {"provider": "e2b"}}
    assert "e2b_x" not in repr(client)


def test_a_session_that_was_there_is_told_of_own_compute(side: Side, server: Server) -> None:
    before = {name: value for name, value in SESSION.items() if name != "compute"}
    after = {**before, "compute": {"provider": "fly"}}
    server.replies = [answer(before), answer(after)]
    client = side.client(compute={"provider": "fly"})
    assert side.do(client.sessions.for_user("user_1")).data.compute.provider == "fly"
    assert server.asked[1].method == "PATCH"
    assert server.asked[1].json == {"compute": {"provider": "fly"}}
    side.do(client.sessions.for_user("user_1"))
    assert len(server.asked) == 3
