"""What runs come to, where the API has it in two answers."""

from __future__ import annotations

import dataclasses

from .types import RunResult


@dataclasses.dataclass(frozen=True)
class RetryResult(RunResult):
    """What a retry came to."""

    agent_id: str
    """The fresh agent that ran it."""


def of_retry(result: RunResult, agent_id: str) -> RetryResult:
    same = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return RetryResult(agent_id=agent_id, **same)
