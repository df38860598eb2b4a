"""What an agent does, live in the terminal.

```sh
python examples/stream_to_terminal.py "Which day is it? Use Python."
```
"""

import asyncio
import os
import sys

from theazo import AsyncTheazo

MODEL = os.environ.get("THEAZO_EXAMPLE_MODEL")


async def main(task: str) -> None:
    async with AsyncTheazo() as theazo:
        session = await theazo.sessions.for_user("user_123")
        agent = await session.agents.create(model=MODEL)
        try:
            async for event in agent.stream(task):
                if event.type == "text":
                    print(event.delta, end="", flush=True)
                elif event.type == "tool_call":
                    print(f"\n> {event.name} {event.input}")
                elif event.type == "tool_result":
                    print(f"< {event.output.strip()[:200]}")
                elif event.type == "progress":
                    print(f"{event.progress:.0%} {event.message or ''}")
                elif event.type == "done":
                    print(f"\nIt cost {event.result.cost.amount} cents.")
        finally:
            await agent.terminate()


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Which day is it? Use Python."))
