"""A session for one of your users, and a task for an agent in it.

```sh
THEAZO_API_KEY=th_live_… THEAZO_BASE_URL=http://localhost:7070 python examples/quickstart.py
```
"""

import os

from theazo import TaskFailedError, Theazo

# Without one, the platform's or the session's model: `settings.update(model="anthropic/…")`.
MODEL = os.environ.get("THEAZO_EXAMPLE_MODEL")


def main() -> None:
    with Theazo() as theazo:
        # The user's session, with what they may spend: get it, or make it.
        session = theazo.sessions.for_user(
            "user_123",
            limits={
                "max_cost": {"amount": 500, "currency": "usd", "period": "day"},
                "max_agents": 3,
            },
        )
        try:
            result = session.run("researcher", "Which was the first web browser?", model=MODEL)
        except TaskFailedError as error:
            raise SystemExit(f"It failed ({error.code}): {error}") from None
        print(result.output)
        print(f"It cost {result.cost.amount} cents and took {result.duration} ms.")


if __name__ == "__main__":
    main()
