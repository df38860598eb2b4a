"""Your own loop, our sandboxes: no model of ours is called, and only compute is billed.

```sh
python examples/infra_only.py
```
"""

import json

from theazo import Theazo

# Your LangGraph, CrewAI or own loop decides; here it has decided already.
STEPS = [
    "import json; numbers = list(range(10)); json.dump(numbers, open('/workspace/in.json', 'w'))",
    "import json; print(sum(json.load(open('/workspace/in.json'))))",
]


def main() -> None:
    with Theazo() as theazo:
        session = theazo.sessions.for_user("user_123")
        agent = session.agents.create(browser=False)
        try:
            for code in STEPS:
                result = agent.exec("python", code)
                if result.exit_code != 0:
                    raise SystemExit(result.stderr)
                print(result.stdout, end="")
            print("files:", json.dumps([file.name for file in agent.files.list("/workspace")]))
            print("minutes of compute:", agent.status().compute_minutes)
        finally:
            agent.terminate()


if __name__ == "__main__":
    main()
