"""What is tried again, with what, and what is not."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest

import theazo
from theazo import RateLimitError, UnavailableError

from .conftest import KEY, Side
from .scripted import Reply, Server, answer, cut, dropped, error, html
from .shapes import SESSION, TASK

PASSING: List[Any] = [
    dropped(),
    cut(answer(SESSION)),
    # Its length is not said, so only the JSON tells.
    Reply(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b'{"id": "ses_1", "us'),
    html(502),
    html(503),
    error(500, "internal_error"),
    error(503, "unavailable", headers={"retry-after": "0"}),
    error(429, "rate_limited", headers={"retry-after": "0"}),
    error(408, "request_timeout"),
    error(409, "conflict", headers={"retry-after": "0"}),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_got_over_with_the_same_key_and_body(
    side: Side, server: Server, fault: Reply
) -> None:
    server.replies = [fault, fault, answer(SESSION, 201)]
    session = side.do(side.client().sessions.create(user_id="user_1", metadata={"a": 1}))
    assert session.id == "ses_1"
    keys = {asked.headers["idempotency-key"] for asked in server.asked}
    bodies = {asked.body for asked in server.asked}
    assert len(server.asked) == 3 and len(keys) == 1 and len(bodies) == 1
    counts = [asked.headers.get("x-theazo-retry-count") for asked in server.asked]
    assert counts == [None, "1", "2"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad"),
        (401, "unauthorized"),
        (402, "session_limit_exceeded"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (413, "payload_too_large"),
        (422, "unprocessable_entity"),
        (502, "provider_error"),
        (504, "timeout"),
    ],
)
def test_what_is_settled_is_not_asked_again(
    side: Side, server: Server, status: int, code: str
) -> None:
    server.replies = [error(status, code)]
    with pytest.raises(theazo.APIError) as caught:
        side.do(side.client().sessions.create(user_id="user_1"))
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.request_id == "req_1"
    assert len(server.asked) == 1


def test_every_post_has_a_key_of_its_own(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION, 201)]
    client = side.client()
    for _ in range(3):
        side.do(client.sessions.create(user_id="user_1"))
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 3


def test_a_key_can_be_given(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION, 201)]
    options = {"idempotency_key": "order-17", "headers": {"x-mine": "1"}}
    side.do(side.client().sessions.create(user_id="user_1", options=options))
    headers = server.asked[0].headers
    assert headers["idempotency-key"] == "order-17" and headers["x-mine"] == "1"


def test_it_gives_up_after_as_many_retries_as_were_wanted(side: Side, server: Server) -> None:
    server.replies = [error(503, "unavailable")]
    client = side.client(max_retries=2)
    with pytest.raises(UnavailableError):
        side.do(client.sessions.get("ses_1"))
    assert len(server.asked) == 3
    with pytest.raises(UnavailableError):
        side.do(client.sessions.get("ses_1", options={"max_retries": 0}))
    assert len(server.asked) == 4
    with pytest.raises(UnavailableError):
        side.do(client.with_options(max_retries=1).sessions.get("ses_1"))
    assert len(server.asked) == 6


def test_a_long_wait_is_left_to_the_caller(side: Side, server: Server) -> None:
    details = {"retryAfter": 3600}
    server.replies = [error(429, "rate_limited", headers={"retry-after": "3600"}, details=details)]
    with pytest.raises(RateLimitError) as caught:
        side.do(side.client().sessions.get("ses_1"))
    assert caught.value.retry_after == 3600 and len(server.asked) == 1


def test_a_deletion_that_had_happened_is_done(side: Side, server: Server) -> None:
    server.replies = [dropped(), error(404, "not_found")]
    assert side.do(side.client().secrets.delete("A")) is None
    assert len(server.asked) == 2


def test_a_deletion_of_what_never_was_is_an_error(side: Side, server: Server) -> None:
    server.replies = [error(404, "not_found")]
    with pytest.raises(theazo.NotFoundError):
        side.do(side.client().secrets.delete("A"))


def test_a_silent_server_is_given_up(side: Side, server: Server) -> None:
    server.replies = [Reply(hang=True)]
    with pytest.raises(theazo.APITimeoutError, match="timeout="):
        side.do(side.client(timeout=0.05, max_retries=1).sessions.get("ses_1"))
    assert len(server.asked) == 2


def test_a_client_reads_what_it_wrote(side: Side, server: Server) -> None:
    written = answer(SESSION, 201, {"x-theazo-position": "1042"})
    older = answer(SESSION, 200, {"x-theazo-position": "17"})
    server.replies = [answer(SESSION), written, older, answer(SESSION)]
    client = side.client()
    side.do(client.sessions.get("ses_1"))
    side.do(client.sessions.create(user_id="user_1"))
    side.do(client.with_options(timeout=9).sessions.get("ses_1"))
    side.do(client.sessions.get("ses_1"))
    least = [asked.headers.get("x-theazo-min-position") for asked in server.asked]
    assert least == [None, None, "1042", "1042"]


def test_a_wait_is_made_of_many_and_ends_with_the_task(side: Side, server: Server) -> None:
    running = {**TASK, "status": "running"}
    done = {**TASK, "status": "completed", "output": "42"}
    server.replies = [answer(SESSION), answer(running), html(504), answer(done)]
    session = side.do(side.client().sessions.get("ses_1"))
    task = side.do(session.tasks.wait("task_1", timeout="5m"))
    assert (task.status, task.output) == ("completed", "42")
    waits = [asked.path for asked in server.asked[1:]]
    assert waits == ["/v1/sessions/ses_1/tasks/task_1/wait?timeout=25000ms"] * 3


def test_a_wait_that_is_over_answers_the_task_as_it_is(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), answer({**TASK, "status": "running"})]
    session = side.do(side.client().sessions.get("ses_1"))
    task = side.do(session.tasks.wait("task_1", timeout=0))
    assert task.status == "running" and len(server.asked) == 2


def test_a_call_that_is_cancelled_is_not_made_again(server: Server) -> None:
    server.replies = [Reply(hang=True)]

    async def main() -> None:
        async with theazo.AsyncTheazo(api_key=KEY, base_url=server.url) as client:
            call = asyncio.ensure_future(client.sessions.get("ses_1"))
            while not server.asked:
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    assert len(server.asked) == 1
