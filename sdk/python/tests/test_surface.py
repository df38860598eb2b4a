"""The package has all that the API has, and answers of every shape are read."""

from __future__ import annotations

import inspect
import re
from typing import Any, Callable, Dict, Iterator, Set, Tuple

import pytest

import theazo
from theazo._core.names import snake

from .conftest import Side
from .scripted import Asked, Reply, Server, answer, sse
from .shapes import AGENT, DONE_TASK, SCHEMAS, SESSION, example, operations, success

Call = Callable[[Any, Any, Any], Any]
MONEY = {"amount": 1, "currency": "usd"}

#: How each operation is called: by the client `c`, its session `s` or its agent `a`.
CALLS: Dict[str, Call] = {
    "service_alive": lambda c, s, a: c.service.alive(),
    "service_ready": lambda c, s, a: c.service.ready(),
    "service_metrics": lambda c, s, a: c.service.metrics(),
    "definition_list": lambda c, s, a: c.definitions.list(include_archived=True),
    "definition_create": lambda c, s, a: c.definitions.create(name="n"),
    "definition_view": lambda c, s, a: c.definitions.get("coder"),
    "definition_update": lambda c, s, a: c.definitions.update("coder"),
    "definition_archive": lambda c, s, a: c.definitions.delete("coder"),
    "definition_versions": lambda c, s, a: c.definitions.versions("coder"),
    "agent_view": lambda c, s, a: a.status(),
    "agent_exec": lambda c, s, a: a.exec(lang="python", code="1"),
    "file_read": lambda c, s, a: a.files.read("/workspace/a"),
    "file_write": lambda c, s, a: a.files.write("/workspace/a", "x"),
    "file_delete": lambda c, s, a: a.files.delete("/workspace/a"),
    "file_list": lambda c, s, a: a.files.list(),
    "agent_logs": lambda c, s, a: a.logs(level="warn"),
    "agent_pause": lambda c, s, a: a.pause(),
    "port_list": lambda c, s, a: a.ports.list(),
    "port_expose": lambda c, s, a: a.ports.expose(8080),
    "port_close": lambda c, s, a: a.ports.close(8080),
    "agent_resume": lambda c, s, a: a.resume(snapshot_id="snp_1"),
    "agent_retry": lambda c, s, a: a.retry(),
    "agent_run": lambda c, s, a: a.run("x"),
    "agent_stream": lambda c, s, a: a.events(last_event_id="1"),
    "agent_terminate": lambda c, s, a: a.terminate(),
    "api_key_list": lambda c, s, a: c.keys.list(),
    "api_key_create": lambda c, s, a: c.keys.create("ci"),
    "api_key_delete": lambda c, s, a: c.keys.delete("key_1"),
    "api_key_rotate": lambda c, s, a: c.keys.rotate("key_1"),
    "audit_events": lambda c, s, a: c.audit.events(session_id="ses_1"),
    "audit_verify": lambda c, s, a: c.audit.verify(),
    "audit_state": lambda c, s, a: c.audit.state("session", "ses_1", at=5),
    "billing_export": lambda c, s, a: c.billing.export("csv"),
    "export_list": lambda c, s, a: c.billing.exports.list(),
    "export_to_metronome": lambda c, s, a: c.billing.exports.start("metronome"),
    "export_to_stripe": lambda c, s, a: c.billing.exports.start("stripe"),
    "export_view": lambda c, s, a: c.billing.exports.get("exp_1"),
    "export_records": lambda c, s, a: c.billing.exports.records("exp_1"),
    "billing_usage": lambda c, s, a: c.billing.usage(),
    "billing_daily": lambda c, s, a: c.billing.daily(),
    "billing_models": lambda c, s, a: c.billing.models(),
    "billing_users": lambda c, s, a: c.billing.users(limit=3),
    "billing_verify": lambda c, s, a: c.billing.verify(stripe=False),
    "model_list": lambda c, s, a: c.models.list(),
    "model_price_set": lambda c, s, a: c.models.set_price("a/b", input="1", output="2"),
    "provider_list": lambda c, s, a: c.providers.list(),
    "provider_configure": lambda c, s, a: c.providers.configure("e2b", {"apiKey": "x"}),
    "provider_remove": lambda c, s, a: c.providers.delete("e2b"),
    "provider_check": lambda c, s, a: c.providers.check("e2b"),
    "secret_list": lambda c, s, a: c.secrets.list(),
    "secret_set": lambda c, s, a: c.secrets.set("A", "x", session_id="ses_1"),
    "secret_delete": lambda c, s, a: c.secrets.delete("A", session_id="ses_1"),
    "session_list": lambda c, s, a: c.sessions.list(user_id="u"),
    "session_create": lambda c, s, a: c.sessions.create(user_id="u"),
    "session_for_user": lambda c, s, a: c.sessions.for_user("u"),
    "session_view": lambda c, s, a: s.refresh(),
    "session_update": lambda c, s, a: s.update(metadata={"a": 1}),
    "session_deliveries": lambda c, s, a: s.deliveries(),
    "agent_list": lambda c, s, a: s.agents.list(state="idle"),
    "agent_create": lambda c, s, a: s.agents.create(definition="coder"),
    "session_end": lambda c, s, a: s.end(),
    "task_list": lambda c, s, a: s.tasks.list(status="failed"),
    "task_submit": lambda c, s, a: s.tasks.submit(agent="coder", input="x"),
    "task_view": lambda c, s, a: s.tasks.get("task_1"),
    "task_artifact": lambda c, s, a: s.tasks.artifact("task_1", "/workspace/a"),
    "task_cancel": lambda c, s, a: s.tasks.cancel("task_1"),
    "task_deliveries": lambda c, s, a: s.tasks.deliveries("task_1"),
    "task_steps": lambda c, s, a: s.tasks.steps("task_1"),
    "task_stream": lambda c, s, a: s.tasks.events("task_1"),
    "task_wait": lambda c, s, a: s.tasks.wait("task_1"),
    "settings_view": lambda c, s, a: c.settings.get(),
    "settings_update": lambda c, s, a: c.settings.update(billing_day=1),
    "webhook_secret": lambda c, s, a: c.settings.webhook_secret(),
    "snapshot_list": lambda c, s, a: c.snapshots.list(session_id="ses_1"),
    "snapshot_delete": lambda c, s, a: c.snapshots.delete("snp_1"),
    "tool_list": lambda c, s, a: c.tools.list(),
    "tool_view": lambda c, s, a: c.tools.get("run_code"),
    "usage_summary": lambda c, s, a: c.usage.summary(from_="2026-05-01"),
}
#: `session.run` is a task that is submitted and waited for: that lives through a lost connection.
NOT_CALLED = {"session_run"}
OPERATIONS = {name: (method, path, op) for name, method, path, op in operations()}


def test_every_operation_is_in_the_package() -> None:
    assert set(CALLS) | NOT_CALLED == set(OPERATIONS)


def full(asked: Asked) -> Reply:
    """An answer with every field that the document has."""
    _, operation = found(asked)
    status, kind, schema = success(operation)
    if kind == "text/event-stream":
        return answer(status=204)
    if kind != "application/json":
        return answer(b"position,id\n", status, kind=kind)
    body = example(schema, full=True)
    if isinstance(body, dict) and "nextCursor" in body:
        body = {**body, "hasMore": False}
    if body.get("status") == "queued":
        body["status"] = "completed"
    return answer(body, status)


def found(asked: Asked) -> Tuple[str, Any]:
    """The operation that was called: the one with the fewest parameters in its path."""
    fits = []
    for name, (method, path, operation) in OPERATIONS.items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        if method == asked.method and re.fullmatch(pattern, asked.path.split("?")[0]):
            fits.append((path.count("{"), name, operation))
    assert fits, f"{asked.method} {asked.path} is not in the document"
    return min(fits, key=lambda fit: fit[0])[1:]


@pytest.mark.parametrize("name", sorted(CALLS))
def test_it_is_called_as_the_document_says(side: Side, server: Server, name: str) -> None:
    server.replies = [answer(SESSION), answer(AGENT), full]
    client = side.client()
    session = side.do(client.sessions.get("ses_1"))
    agent = side.do(client.agents.get("agt_1"))
    made = CALLS[name](client, session, agent)
    goes_over = hasattr(made, "__iter__") or hasattr(made, "__aiter__")
    side.all(made) if goes_over and not isinstance(made, (str, bytes, list)) else side.do(made)
    asked = server.asked[2]
    called, operation = found(asked)
    assert called == name
    known = {one["name"]: one for one in operation.get("parameters", [])}
    given = [pair.split("=")[0] for pair in asked.path.partition("?")[2].split("&") if pair]
    assert set(given) <= set(known)
    if asked.method == "POST":
        assert "idempotency-key" in asked.headers


def kinds() -> Iterator[Tuple[str, str, Any]]:
    """Each method and what the document says that it takes."""
    client = theazo.Theazo(api_key="th_test_0123456789abcdef0123456789abcdef")
    session = theazo.Session(client._transport, theazo.types.Session.from_dict(SESSION))
    agent = theazo.Agent(client._transport, theazo.types.Agent.from_dict(AGENT))
    where = {"c": client, "s": session, "a": agent}
    for name, call in CALLS.items():
        source = inspect.getsource(call)
        path = re.search(rf'"{name}": lambda c, s, a: ([\w.]+)\(', source)
        assert path, name
        first, *rest = path.group(1).split(".")
        method: Any = where[first]
        for part in rest:
            method = getattr(method, part)
        yield name, path.group(1), method
    client.close()


def test_every_field_and_filter_can_be_given() -> None:
    renamed = {"path": {"file", "folder", "artifact"}, "id": {"agent_id"}}
    for name, called, method in kinds():
        operation = OPERATIONS[name][2]
        takes = set(inspect.signature(method).parameters)
        wanted: Set[str] = set()
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "$ref" in content["schema"]:
                schema = SCHEMAS[content["schema"]["$ref"].rsplit("/", 1)[1]]
                wanted |= {snake(field) for field in schema.get("properties", {})}
        for one in operation.get("parameters", []):
            if one["in"] == "query" and one["name"] not in ("from", "lastEventId"):
                wanted.add(snake(one["name"]))
            elif one["name"] == "from":
                wanted.add("from_start" if "stream" in name and "agent" in name else "from_")
        if name == "task_stream":
            # All of a task's events are told by default.
            wanted.discard("from_")
        missing = {w for w in wanted if w not in takes and not renamed.get(w, set()) & takes}
        assert not missing, f"{called} cannot be given {missing}"


def test_both_clients_have_the_same_surface() -> None:
    pairs = [
        (theazo.AsyncTheazo, theazo.Theazo),
        (theazo.AsyncSession, theazo.Session),
        (theazo.AsyncAgent, theazo.Agent),
        (theazo.AsyncPages, theazo.Pages),
        (theazo.AsyncStream, theazo.Stream),
        (theazo.AsyncRunStream, theazo.RunStream),
    ]
    for waits, plain in pairs:
        assert public(waits) == public(plain)


def public(kind: type) -> Dict[str, Any]:
    members = {k: v for k, v in vars(kind).items() if not k.startswith("_") and callable(v)}
    return {name: list(inspect.signature(v).parameters) for name, v in members.items()}


def test_everything_public_is_explained() -> None:
    for name in theazo.__all__:
        assert getattr(theazo, name).__doc__, name
    for _, called, method in kinds():
        assert method.__doc__, called


def test_a_field_of_a_newer_server_does_no_harm(side: Side, server: Server) -> None:
    server.replies = [answer({**SESSION, "status": "dreaming", "mood": "good"})]
    session = side.do(side.client().sessions.get("ses_1"))
    assert session.status == "dreaming" and session.data.to_dict()["mood"] == "good"


def test_names_of_ones_own_stay_as_they_are(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), answer(DONE_TASK, 201)]
    session = side.do(side.client().sessions.get("ses_1"))
    side.do(session.tasks.submit(agent="coder", input={"my_key": {"other_key": 1}}))
    assert server.asked[1].json["input"] == {"my_key": {"other_key": 1}}


def test_names_of_ours_are_the_apis(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    limits = {"max_cost": {**MONEY, "period": "day"}, "max_agents": 3}
    client = side.client()
    side.do(client.sessions.create(user_id="u", limits=limits, metadata={"my_key": 1}))
    assert server.asked[0].json == {
        "userId": "u",
        "limits": {"maxCost": {**MONEY, "period": "day"}, "maxAgents": 3},
        "metadata": {"my_key": 1},
    }
    # The API's own names are understood as well, and what it has answered can be given back.
    side.do(client.sessions.create(user_id="u", limits={"maxAgents": 3}))
    assert server.asked[1].json["limits"] == {"maxAgents": 3}
    answered = theazo.types.Limits.from_dict({"maxAgents": 4})
    side.do(client.sessions.create(user_id="u", limits=answered))
    assert server.asked[2].json["limits"] == {"maxAgents": 4}


def test_a_webhook_can_be_taken_away(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION)]
    client = side.client()
    session = side.do(client.sessions.get("ses_1"))
    side.do(session.update(webhook=None))
    side.do(client.sessions.update("ses_1", metadata={"a": 1}))
    assert [asked.json for asked in server.asked[1:]] == [{"webhook": None}, {"metadata": {"a": 1}}]


def test_a_stream_is_asked_for_as_one(side: Side, server: Server) -> None:
    server.replies = [answer(SESSION), sse("")]
    session = side.do(side.client(max_retries=0).sessions.get("ses_1"))
    with pytest.raises(theazo.APIConnectionError):
        side.all(session.tasks.events("task_1"))
    assert server.asked[1].headers["accept"] == "text/event-stream"
