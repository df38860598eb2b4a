"""Makes calls through the package, and says what came of each: for a suite that puts a proxy with
faults in between and then looks at the server.

Environment: THEAZO_BASE_URL (the proxy), THEAZO_API_KEY, FAULT_SEED, FAULT_CALLS; FAULT_MODE is
`sync` (8 threads, the default) or `async` (8 tasks).

It makes one session (user `faults-<seed>`) with one agent, then FAULT_CALLS calls, and prints one
line of JSON for each:

    {"call": 7, "kind": "submit", "ok": true, "id": "task_…"}
    {"call": 8, "kind": "stream", "ok": true, "id": "task_…", "events": ["12", "13", "15"],
     "types": ["tool_call", "tool_result", "done"], "text": "…"}

and `{"done": true}` at the end. It exits with 0 if every call came out well.

What call number n is depends on the seed and n alone: the first number of a mulberry32 that begins
with `seed * 1_000_003 + n`, in hundredths. 0..55 submit, ..70 session, ..80 secret, ..90 read,
..95 exec, ..100 stream.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, List

from theazo import Agent, AsyncAgent, AsyncSession, AsyncTheazo, Session, Theazo, TheazoError
from theazo.events import AnyEvent

IN_FLIGHT = 8
SHARES = [
    (55, "submit"),
    (70, "session"),
    (80, "secret"),
    (90, "read"),
    (95, "exec"),
    (100, "stream"),
]
Line = Dict[str, Any]


def mulberry32(seed: int) -> float:
    """The first number, from 0 to 1."""
    seed = (seed + 0x6D2B79F5) & 0xFFFFFFFF
    t = ((seed ^ (seed >> 15)) * (seed | 1)) & 0xFFFFFFFF
    t = ((t + ((t ^ (t >> 7)) * (t | 61) & 0xFFFFFFFF)) ^ t) & 0xFFFFFFFF
    return float(t ^ (t >> 14)) / 4294967296.0


def kind_of(seed: int, call: int) -> str:
    drawn = mulberry32(seed * 1_000_003 + call) * 100
    return next(kind for share, kind in SHARES if drawn < share)


#: As often as it takes, and at once.
OPTIONS: Dict[str, Any] = {
    "max_retries": 10,
    "retry_delay": 0.02,
    "max_retry_delay": 0.2,
    "timeout": 20.0,
}


class Calls:
    """What both ways to call have in common."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def kind(self, call: int) -> str:
        return kind_of(self.seed, call)


class SyncCalls(Calls):
    def run(self, calls: int) -> int:
        with Theazo(**OPTIONS) as client:
            session = client.sessions.create(user_id=f"faults-{self.seed}")
            agent = session.agents.create(model="mock")
            with ThreadPoolExecutor(IN_FLIGHT) as pool:
                done = pool.map(
                    lambda call: report(
                        call, self.kind(call), lambda: self.call(client, session, agent, call)
                    ),
                    range(calls),
                )
                return sum(not ok for ok in done)

    def call(self, client: Theazo, session: Session, agent: Agent, call: int) -> Line:
        kind = self.kind(call)
        if kind == "submit":
            task = session.tasks.submit(agent="coder", model="mock", input=f"call-{call}")
            return {"id": task.id}
        if kind == "session":
            made = client.sessions.create(
                user_id=f"faults-{self.seed}-{call}", metadata={"call": str(call)}
            )
            return {"id": made.id}
        if kind == "secret":
            return {"id": client.secrets.set(f"FAULT_{call}", f"v-{call}").name}
        if kind == "exec":
            result = agent.exec("python", f"print({call})")
            expect(result.stdout == f"{call}\n", f"exec said {result.stdout!r}")
            return {"id": result.id}
        if kind == "read":
            expect(client.sessions.get(session.id).id == session.id, "another session was read")
            listed = [task.id for task in session.tasks.list(limit=25)]
            expect(len(listed) == len(set(listed)), "a list has a task twice")
            return {"id": session.id}
        task = session.tasks.submit(agent="coder", model="mock", input=long_input(call))
        return {"id": task.id, **told(list(session.tasks.events(task.id)))}


class AsyncCalls(Calls):
    async def run(self, calls: int) -> int:
        async with AsyncTheazo(**OPTIONS) as client:
            session = await client.sessions.create(user_id=f"faults-{self.seed}")
            agent = await session.agents.create(model="mock")
            places = asyncio.Semaphore(IN_FLIGHT)

            async def one(call: int) -> bool:
                async with places:
                    return await report_async(
                        call, self.kind(call), lambda: self.call(client, session, agent, call)
                    )

            done = await asyncio.gather(*(one(call) for call in range(calls)))
            return sum(not ok for ok in done)

    async def call(
        self, client: AsyncTheazo, session: AsyncSession, agent: AsyncAgent, call: int
    ) -> Line:
        kind = self.kind(call)
        if kind == "submit":
            task = await session.tasks.submit(agent="coder", model="mock", input=f"call-{call}")
            return {"id": task.id}
        if kind == "session":
            made = await client.sessions.create(
                user_id=f"faults-{self.seed}-{call}", metadata={"call": str(call)}
            )
            return {"id": made.id}
        if kind == "secret":
            secret = await client.secrets.set(f"FAULT_{call}", f"v-{call}")
            return {"id": secret.name}
        if kind == "exec":
            result = await agent.exec("python", f"print({call})")
            expect(result.stdout == f"{call}\n", f"exec said {result.stdout!r}")
            return {"id": result.id}
        if kind == "read":
            read = await client.sessions.get(session.id)
            expect(read.id == session.id, "another session was read")
            listed = [task.id async for task in session.tasks.list(limit=25)]
            expect(len(listed) == len(set(listed)), "a list has a task twice")
            return {"id": session.id}
        task = await session.tasks.submit(agent="coder", model="mock", input=long_input(call))
        events = [event async for event in session.tasks.events(task.id)]
        return {"id": task.id, **told(events)}


def long_input(call: int) -> str:
    """What the mock model says in many pieces, with tools in between."""
    files = "".join(
        f'@tool write_file {{"path": "{n}.txt", "content": "{n}"}}\n@then\n' for n in range(3)
    )
    return f"@slow 2\n@think A thought.\n{files}@say call-{call} " + "and on it goes " * 20


def told(events: List[AnyEvent]) -> Line:
    return {
        "events": [event.event_id for event in events],
        "types": [event.type for event in events],
        "text": "".join(event.delta for event in events if event.type == "text"),
    }


def expect(right: bool, why: str) -> None:
    if not right:
        raise AssertionError(why)


PRINTING = threading.Lock()


def say(line: Line) -> None:
    with PRINTING:
        print(json.dumps(line), flush=True)


def failed(call: int, kind: str, error: Exception) -> bool:
    print(f"call {call} ({kind}): {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    say({"call": call, "kind": kind, "ok": False})
    return False


def report(call: int, kind: str, make: Callable[[], Line]) -> bool:
    try:
        say({"call": call, "kind": kind, "ok": True, **make()})
    except (TheazoError, AssertionError) as error:
        return failed(call, kind, error)
    return True


async def report_async(call: int, kind: str, make: Callable[[], Awaitable[Line]]) -> bool:
    try:
        say({"call": call, "kind": kind, "ok": True, **await make()})
    except (TheazoError, AssertionError) as error:
        return failed(call, kind, error)
    return True


def main() -> int:
    seed, calls = int(os.environ["FAULT_SEED"]), int(os.environ["FAULT_CALLS"])
    mode = os.environ.get("FAULT_MODE", "sync")
    if mode == "async":
        wrong = asyncio.run(AsyncCalls(seed).run(calls))
    elif mode == "sync":
        wrong = SyncCalls(seed).run(calls)
    else:
        raise SystemExit(f"FAULT_MODE is {mode!r}; it is `sync` or `async`")
    say({"done": True})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
