"""Against a real server: THEAZO_BASE_URL, THEAZO_API_KEY, THEAZO_TEST_KEY. Its agents run on mocks.

```sh
pytest tests/live.py
```
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

import theazo
from theazo import AsyncTheazo, Theazo

HERE = Path(__file__).resolve().parent
#: What the environment says, before other tests' fixtures hide it.
SERVER: Dict[str, Any] = {
    "api_key": os.environ["THEAZO_API_KEY"],
    "base_url": os.environ["THEAZO_BASE_URL"],
}
TEST_KEY = os.environ["THEAZO_TEST_KEY"]
TOOLS = '@tool run_code {"lang": "python", "code": "print(6 * 7)"}\n@then\n@say The answer is 42.'


@pytest.fixture
def client() -> Iterator[Theazo]:
    with Theazo(**SERVER) as made:
        yield made


@pytest.fixture
def session(client: Theazo) -> Iterator[theazo.Session]:
    made = client.sessions.create(user_id=f"live-{secrets.token_hex(4)}")
    yield made
    made.end()


def test_a_users_session_is_one(client: Theazo) -> None:
    user = f"live-{secrets.token_hex(4)}"
    limits: theazo.types.LimitsParam = {"max_cost": {"amount": 500, "currency": "usd"}}
    first = client.sessions.for_user(user, limits=limits, metadata={"planTier": "pro"})
    assert client.sessions.for_user(user).id == first.id
    assert first.limits.max_cost is not None and first.limits.max_cost.amount == 500
    assert first.metadata == {"planTier": "pro"}
    assert [one.id for one in client.sessions.list(user_id=user)] == [first.id]
    assert first.update(limits={"max_agents": 2}).limits.max_agents == 2
    assert client.sessions.get(first.id).limits.max_agents == 2
    assert client.sessions.end(first.id).status == "ended"


def test_a_run_in_one_line(session: theazo.Session) -> None:
    result = session.run("coder", TOOLS, model="mock")
    assert result.output == "The answer is 42."
    assert [call.name for call in result.tool_calls] == ["run_code"]
    assert result.cost.currency == "usd" and result.duration >= 0


def test_an_agent_from_its_beginning_to_its_end(session: theazo.Session) -> None:
    agent = session.agents.create(model="mock", timeout=60, instructions="Be short.")
    result = agent.exec("python", "print(2 + 2)")
    assert (result.stdout, result.exit_code) == ("4\n", 0)
    agent.files.write("/workspace/a b.txt", "héllo")
    assert agent.files.read("/workspace/a b.txt").decode() == "héllo"
    assert [(file.name, file.is_directory) for file in agent.files.list()] == [("a b.txt", False)]
    agent.files.delete("/workspace/a b.txt")
    with pytest.raises(theazo.NotFoundError):
        agent.files.read("/workspace/a b.txt")
    assert agent.ports.expose(8080).startswith("http")
    assert [port.port for port in agent.ports.list()] == [8080]
    agent.ports.close(8080)
    assert agent.pause().id.startswith("snp_")
    assert agent.status().state == "paused"
    agent.resume()
    assert agent.run("@say hi").output == "hi"
    again = agent.retry()
    assert again.output == "hi" and again.agent_id != agent.id
    assert agent.status().started_at is not None
    agent.terminate()
    assert agent.status().state == "terminated"


def test_a_stream_is_what_was_done(session: theazo.Session) -> None:
    agent = session.agents.create(model="mock")
    events = list(agent.stream(TOOLS))
    assert [event.type for event in events if event.type != "text"] == [
        "tool_call",
        "tool_result",
        "done",
    ]
    said = "".join(event.delta for event in events if event.type == "text")
    assert said == "The answer is 42."
    with pytest.raises(theazo.TaskFailedError, match="no way") as caught:
        list(agent.stream("@fail auth no way"))
    streamed = session.stream("coder", "@say yes", model="mock")
    assert streamed.result().output == "yes"
    again = list(session.tasks.events(caught.value.task_id))
    assert again[-1].type == "error" and again[-1].code == caught.value.code
    agent.terminate()


def test_tasks_are_submitted_waited_for_and_cancelled(session: theazo.Session) -> None:
    task = session.tasks.submit(agent="coder", model="mock", input={"query": "x"}, priority="high")
    assert task.status == "queued" and task.task_id == task.id
    assert session.tasks.wait(task.id, timeout="1m").status == "completed"
    assert len(session.tasks.steps(task.id).all()) == 1
    slow = session.tasks.submit(agent="coder", model="mock", input="@slow 60000\n@say never")
    began = time.monotonic()
    assert session.tasks.wait(slow.id, timeout=0.2).status in ("queued", "running")
    assert time.monotonic() - began < 30
    assert session.tasks.cancel(slow.id).status == "cancelled"
    assert [one.id for one in session.tasks.list(status="cancelled")] == [slow.id]
    assert [one.id for one in session.tasks.list(limit=1)] == [slow.id, task.id]


def test_the_same_key_is_the_same_task(session: theazo.Session) -> None:
    options: theazo.RequestOptions = {"idempotency_key": secrets.token_hex(8)}
    ids = {
        session.tasks.submit(agent="coder", model="mock", input="x", options=options).id
        for _ in range(3)
    }
    assert len(ids) == 1
    with pytest.raises(theazo.ConflictError, match="Idempotency-Key"):
        session.tasks.submit(agent="coder", model="mock", input="y", options=options)


def test_the_rest_of_the_api_answers(client: Theazo, session: theazo.Session) -> None:
    assert client.service.ready().status == "ok"
    name = f"LIVE_{secrets.token_hex(4)}"
    assert client.secrets.set(name, "x").name == name
    assert name in [secret.name for secret in client.secrets.list()]
    client.secrets.delete(name)
    definition = client.definitions.create(name=name.lower(), model="mock", timeout=30)
    client.definitions.update(definition.id, instructions="Be kind.")
    assert [one.version for one in client.definitions.versions(definition.id)] == [2, 1]
    assert session.run(definition.name, "@say yes").output == "yes"
    client.definitions.delete(definition.id)
    key = client.keys.create("live test")
    assert key.key and Theazo(api_key=key.key, base_url=client.base_url).settings.get()
    client.keys.delete(key.id)
    with pytest.raises(theazo.AuthenticationError):
        Theazo(api_key=key.key, base_url=client.base_url).settings.get()
    assert client.audit.state("session", session.id).state["id"] == session.id
    assert client.audit.events(session_id=session.id).all(limit=1)
    assert client.billing.verify().ok and client.audit.verify().ok
    head, *rows = client.billing.export("csv")
    assert head.startswith("position,id") and len(rows) >= len(client.billing.users(limit=1))
    assert all(json.loads(row)["position"] for row in client.billing.export("json"))
    assert client.models.list().all(limit=1) and client.tools.get("run_code").built_in
    assert client.settings.webhook_secret().startswith("whsec_")


def test_the_same_to_be_awaited() -> None:
    async def main() -> None:
        async with AsyncTheazo(**SERVER) as client:
            session = await client.sessions.create(user_id=f"live-{secrets.token_hex(4)}")
            agent = await session.agents.create(model="mock")
            texts = [e.delta async for e in agent.stream("@say hi") if e.type == "text"]
            assert "".join(texts) == "hi"
            results = await asyncio.gather(*(agent.exec("python", f"print({n})") for n in range(5)))
            assert [result.stdout for result in results] == [f"{n}\n" for n in range(5)]
            assert (await session.run("coder", "@say yes", model="mock")).output == "yes"
            assert len((await session.tasks.list()).data) == 2
            await session.end()

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_driver_of_faults_is_well_without_faults(mode: str) -> None:
    environment = {
        **os.environ,
        "THEAZO_API_KEY": SERVER["api_key"],
        "THEAZO_BASE_URL": SERVER["base_url"],
        "FAULT_SEED": str(secrets.randbelow(1 << 30)),
        "FAULT_CALLS": "40",
        "FAULT_MODE": mode,
    }
    driver = [sys.executable, str(HERE / "faults" / "driver.py")]
    done = subprocess.run(driver, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, last = map(json.loads, done.stdout.splitlines())
    assert last == {"done": True} and sorted(line["call"] for line in lines) == list(range(40))


@pytest.mark.parametrize(
    "example", sorted(path.name for path in (HERE.parent / "examples").glob("*.py"))
)
def test_the_examples_run(example: str) -> None:
    environment = {
        **os.environ,
        "THEAZO_API_KEY": SERVER["api_key"],
        "THEAZO_BASE_URL": SERVER["base_url"],
        "THEAZO_EXAMPLE_MODEL": "mock",
    }
    command = [sys.executable, str(HERE.parent / "examples" / example)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_the_readme_runs() -> None:
    text = (HERE.parent / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    environment = {**os.environ, "THEAZO_API_KEY": TEST_KEY, "THEAZO_BASE_URL": SERVER["base_url"]}
    command = [sys.executable, "-c", "\n".join(blocks)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert len(blocks) > 5 and done.returncode == 0, done.stderr


def test_the_types_are_of_this_server(client: Theazo) -> None:
    with urllib.request.urlopen(f"{client.base_url}/openapi.json") as answer:
        served = json.load(answer)
    committed = json.loads((HERE.parents[1] / "openapi.json").read_text())
    assert served == committed, "sdk/openapi.json is not what this server says"
