"""Streams: each event once, in order, whatever happens to the connection."""

from __future__ import annotations

import json
from typing import Any, List

import pytest

import theazo
from theazo import APIConnectionError, UnexpectedAnswerError
from theazo import events as ours
from theazo._core.sse import Decoder

from .conftest import Side
from .scripted import Asked, Reply, Server, answer, dropped, error, html, sse
from .shapes import AGENT, SCHEMAS, SESSION, TASK, example, of

RESULT = of("RunResult", output="42", taskId="task_1")
FRAMES = [
    ("3", "status", {"status": "running", "taskId": "task_1"}),
    ("4.5", "thinking", {"text": "I lo\nok.", "step": 1, "taskId": "task_1"}),
    ("4.9", "text", {"delta": "héllo – ", "step": 1, "taskId": "task_1"}),
    (
        "5-1",
        "tool_call",
        {"id": "c1", "tool": "run_code", "input": {"snake_key": 1}, "step": 1, "taskId": "task_1"},
    ),
    (
        "6",
        "tool_result",
        {
            "id": "c1",
            "tool": "run_code",
            "output": "4",
            "isError": False,
            "durationMs": 3,
            "step": 1,
            "taskId": "task_1",
        },
    ),
    ("7", "progress", {"progress": 0.5, "message": "half", "taskId": "task_1"}),
    ("8-1", "output", {"text": "42", "cost": {"amount": 1, "currency": "usd"}, "taskId": "task_1"}),
    ("8", "done", {"result": RESULT, "taskId": "task_1"}),
]
IDS = [frame[0] for frame in FRAMES]
GREETING = ": connected\nretry: 1\n\n"


def text(frames: List[Any]) -> str:
    lines = (f"id: {i}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for i, name, data in frames)
    return GREETING + "".join(lines)


def resuming(asked: Asked) -> List[Any]:
    """The frames that the server has for this request."""
    last = asked.headers.get("last-event-id")
    return FRAMES[IDS.index(last) + 1 :] if last else FRAMES


@pytest.fixture
def session(side: Side, server: Server) -> Any:
    server.replies = [answer(SESSION)]
    return side.do(side.client().sessions.get("ses_1"))


def test_a_stream_that_is_cut_anywhere_has_each_event_once(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    # A reset takes away what was sent and not read yet, so that some connections bring nothing.
    session = side.do(side.client(max_retries=50).sessions.get("ses_1"))
    step = [0]

    def cut(asked: Asked) -> Reply:
        # Somewhat more each time, so that it also ends within frames and within characters.
        step[0] += 37
        whole = sse(text(resuming(asked)), pieces=11)
        head = whole.data.index(b"\r\n\r\n") + 4
        return Reply(whole.data[: head + 60 + step[0] % 190], pieces=11, reset=step[0] % 2 == 0)

    server.replies = [cut]
    events = side.all(session.tasks.events("task_1"))
    assert [event.event_id for event in events] == IDS
    assert [event.type for event in events] == [frame[1] for frame in FRAMES]
    assert len(server.asked) > 4
    assert all("last-event-id" in asked.headers for asked in server.asked[3:])


def test_what_comes_twice_is_given_once(side: Side, server: Server, session: Any) -> None:
    # A proxy that drops `Last-Event-ID`: the server begins again.
    server.replies = [sse(text(FRAMES[:5])), sse(text(FRAMES))]
    events = side.all(session.tasks.events("task_1"))
    assert [event.event_id for event in events] == IDS


def test_a_stream_goes_on_after_an_event(side: Side, server: Server, session: Any) -> None:
    server.replies = [lambda asked: sse(text(resuming(asked)))]
    events = side.all(session.tasks.events("task_1", last_event_id="6"))
    assert [event.event_id for event in events] == ["7", "8-1", "8"]


def test_a_server_that_restarts_is_waited_for(side: Side, server: Server, session: Any) -> None:
    gone = {"code": "unavailable", "message": "The server is being restarted.", "resumable": True}
    leaving = text(FRAMES[:2]) + f"event: error\ndata: {json.dumps(gone)}\n\n"
    down = [dropped(), html(503), error(503, "unavailable"), dropped()]
    server.replies = [sse(leaving), *down, sse(text(FRAMES[2:]))]
    events = side.all(session.tasks.events("task_1"))
    assert [event.event_id for event in events] == IDS


def test_a_stream_that_never_brings_anything_is_given_up(
    side: Side, server: Server, session: Any
) -> None:
    server.replies = [sse(GREETING)]
    with pytest.raises(APIConnectionError, match="in a row without a new event"):
        side.all(session.tasks.events("task_1"))


def test_a_stream_whose_task_is_gone_raises(side: Side, server: Server, session: Any) -> None:
    server.replies = [error(404, "not_found")]
    with pytest.raises(theazo.NotFoundError):
        side.all(session.tasks.events("task_1"))


def test_there_may_be_nothing_more(side: Side, server: Server, session: Any) -> None:
    server.replies = [answer(status=204)]
    assert side.all(session.tasks.events("task_1", last_event_id="8")) == []


def test_an_event_that_is_no_json_is_an_error(side: Side, server: Server, session: Any) -> None:
    for data in ("<html>", "null", "[]"):
        server.replies = [sse(f"id: 1\nevent: text\ndata: {data}\n\n")]
        with pytest.raises(UnexpectedAnswerError, match="`text`"):
            side.all(session.tasks.events("task_1"))


def test_a_stream_that_was_gone_over_has_its_result(
    side: Side, server: Server, session: Any
) -> None:
    server.replies = [sse(text(FRAMES))]
    stream = session.tasks.stream("task_1")
    assert side.all(stream)[-1].type == "done"
    assert side.do(stream.result()).output == "42"


def test_an_event_that_is_new_to_this_version_is_passed_on(
    side: Side, server: Server, session: Any
) -> None:
    new = ("3", "approval_required", {"approvalId": "apr_1"})
    server.replies = [sse(text([new, *FRAMES[-1:]]))]
    first, last = side.all(session.tasks.events("task_1"))
    assert (first.type, first.name, first.data) == ("unknown", new[1], new[2])
    assert last.result.output == "42"


def test_a_failed_task_ends_with_its_error(side: Side, server: Server, session: Any) -> None:
    failed = {"code": "provider_error", "message": "down", "resumable": False, "taskId": "task_1"}
    server.replies = [sse(text([FRAMES[0], ("9", "error", failed)]))]
    events = side.all(session.tasks.events("task_1"))
    assert [event.type for event in events] == ["status", "error"]


@pytest.fixture
def agent(side: Side, server: Server) -> Any:
    server.replies = [answer(AGENT)]
    return side.do(side.client().agents.get("agt_1"))


SUBMITTED = {"taskId": "task_1", "agentId": "agt_1"}


def test_an_agent_streams_five_types_of_events(side: Side, server: Server, agent: Any) -> None:
    server.replies = [answer(SUBMITTED, 202), sse(text(FRAMES))]
    events = side.all(agent.stream("Write a report", max_steps=3))
    types = [event.type for event in events]
    assert types == ["text", "tool_call", "tool_result", "progress", "done"]
    assert events[1].name == "run_code" and events[1].input == {"snake_key": 1}
    assert events[-1].result.task_id == "task_1"
    assert server.asked[1].json == {"task": "Write a report", "maxSteps": 3}
    assert server.asked[2].path == "/v1/sessions/ses_1/tasks/task_1/stream"


def test_a_session_and_a_task_stream_the_same(side: Side, server: Server, session: Any) -> None:
    server.replies = [answer(TASK, 201), sse(text(FRAMES)), sse(text(FRAMES))]
    first = side.all(session.stream("researcher", "x", model="mock"))
    assert server.asked[1].json == {"input": "x", "agent": "researcher", "model": "mock"}
    assert side.all(session.tasks.stream("task_1")) == first
    assert [event.event_id for event in first] == ["4.9", "5-1", "6", "7", "8"]


def test_a_stream_knows_what_the_run_came_to(side: Side, server: Server, agent: Any) -> None:
    server.replies = [answer(SUBMITTED, 202), sse(text(FRAMES))]
    assert side.do(agent.stream("x").result()).output == "42"
    server.replies = [answer(SESSION), answer(status=204)]
    session = side.do(side.client().sessions.get("ses_1"))
    with pytest.raises(UnexpectedAnswerError, match="done"):
        side.do(session.tasks.stream("task_1", last_event_id="8").result())


def test_an_agents_stream_raises_when_the_task_fails(
    side: Side, server: Server, agent: Any
) -> None:
    why = {"code": "timeout", "message": "too long"}
    failed = {**why, "resumable": False, "taskId": "task_1"}
    task = {**TASK, "status": "failed", "error": why}
    frames = [FRAMES[2], ("9", "error", failed)]
    server.replies = [answer(SUBMITTED, 202), sse(text(frames)), answer(task)]
    seen: List[str] = []

    def go_over() -> None:
        for event in agent.stream("x"):
            seen.append(event.type)

    async def go_over_async() -> None:
        async for event in agent.stream("x"):
            seen.append(event.type)

    with pytest.raises(theazo.TaskFailedError, match="too long"):
        side.do(go_over_async()) if side.is_async else go_over()
    assert seen == ["text"]


def test_a_stream_can_be_left(side: Side, server: Server, agent: Any) -> None:
    server.replies = [answer(SUBMITTED, 202), sse(text(FRAMES[:3]), hang=True)]

    def leave() -> str:
        with agent.stream("x") as stream:
            for event in stream:
                return str(event.delta)
        return ""

    async def leave_async() -> str:
        async with agent.stream("x") as stream:
            async for event in stream:
                return str(event.delta)
        return ""

    said = side.do(leave_async() if side.is_async else leave())
    assert said == "héllo – "


def test_an_agents_events_end_when_the_server_says_so(
    side: Side, server: Server, agent: Any
) -> None:
    server.replies = [sse(text(FRAMES)), answer(status=204)]
    events = side.all(agent.events(from_start=True))
    assert [event.event_id for event in events] == IDS
    assert server.asked[1].path == "/v1/agents/agt_1/stream?from=start"
    assert server.asked[2].headers["last-event-id"] == "8"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_frames_come_in_pieces_of_any_size(end: str) -> None:
    whole = (text(FRAMES) + ": ping\n\ndata: a\ndata: b\n\nid: 9\ndata: cut").replace("\n", end)
    data = whole.encode()
    wanted = Decoder().feed(data)
    assert [frame.id for frame in wanted] == [*IDS, None] and wanted[-1].data == "a\nb"
    for size in (1, 2, 3, 7, 64):
        decoder = Decoder()
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        assert [frame for piece in pieces for frame in decoder.feed(piece)] == wanted
        assert decoder.retry == 0.001


def test_our_events_have_all_fields_of_the_apis() -> None:
    for name, kind in ours.BY_NAME.items():
        schema = SCHEMAS["".join(part.capitalize() for part in name.split("_")) + "Event"]
        full = example(schema, full=True)
        event = ours.read(name, full, "1")
        given = {key: value for key, value in vars(event).items() if value is not None}
        # All of the schema's, with ours: `event_id` and `type`.
        assert isinstance(event, kind) and len(given) - 3 == len(full), name
