"""What the API takes.

Generated from the API's own document by tools/generate_types.py: do not edit.
"""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union


#: A JSON object, as it was sent. What is in it is not for logs.
ProviderCredentialsParam = Dict[str, Any]


ProviderNameParam = Literal["local", "docker", "e2b", "fly", "webhook", "mock"]


class _ConfigureProviderParam(TypedDict):
    credentials: ProviderCredentialsParam
    """What the provider needs (API keys, endpoints), `{}` for `local`. Encrypted at rest,
    never shown again.
    """
    provider: ProviderNameParam


class ConfigureProviderParam(_ConfigureProviderParam, total=False):
    is_default: bool
    """Whether new agents run on it unless they say otherwise."""


class ApprovalsParam(TypedDict, total=False):
    """Tools that need a human's yes before they run."""

    tools: List[str]


class ComputeParam(TypedDict, total=False):
    """Where agents run."""

    credential_ref: Optional[str]
    """The name of a secret with the provider's credentials."""
    provider: Optional[ProviderNameParam]


class GuardrailsParam(TypedDict, total=False):
    """What the agent must not do."""

    allowed_domains: Optional[List[str]]
    """The only domains that the sandbox reaches: `github.com`, or `*.github.com` for all
    below it. Absent: every public one.
    """
    block_pii: bool
    """Keep personal data out of what the agent sends."""


#: Your own key-value pairs: at most 50, 16 KiB as JSON.
MetadataParam = Dict[str, Any]


class ModelSettingsParam(TypedDict, total=False):
    """`{ id, maxTokens, temperature }`, `{ provider, credentialRef, id? }` or `{ baseUrl,
    credentialRef, name }`.
    """

    base_url: Optional[str]
    """A compatible gateway."""
    credential_ref: Optional[str]
    """The name of a secret that holds the key."""
    id: Optional[str]
    max_tokens: Optional[int]
    name: Optional[str]
    """The model's name at the gateway."""
    provider: Optional[str]
    """`anthropic` or `openai`, with your own key."""
    temperature: Optional[float]


#: A model: its name, or an object with its settings. The most specific of platform, session
#: and agent wins.
AgentModelConfigParam = Union[str, ModelSettingsParam]


CurrencyParam = Literal["usd"]


class MoneyParam(TypedDict):
    """An amount of money."""

    amount: int
    """Cents."""
    currency: CurrencyParam


class CreateAgentParam(TypedDict, total=False):
    """What a new agent is made of. Everything is optional: what is left out comes from the
    definition, then from the session, then from the platform's settings.
    """

    approvals: Optional[ApprovalsParam]
    browser: Optional[bool]
    """Attach a headless browser to the sandbox. Default: false."""
    compute: Optional[ComputeParam]
    cost_cap: Optional[MoneyParam]
    definition: Optional[str]
    """The id or the name of a definition to make it of."""
    guardrails: Optional[GuardrailsParam]
    instructions: Optional[str]
    """Prepended to every task."""
    knowledge: Optional[List[str]]
    """Ids of knowledge bases to attach."""
    metadata: Optional[MetadataParam]
    model: Optional[AgentModelConfigParam]
    secrets: Optional[List[str]]
    """Names of secrets that the agent's code sees as environment variables."""
    snapshot_id: Optional[str]
    """Start from this snapshot's files, also of another agent or session of yours."""
    timeout: Optional[int]
    """Seconds that a run may take. Default: 300."""
    tools: Optional[List[str]]
    """Names of tools to enable."""


class CreateApiKeyParam(TypedDict):
    name: str
    """What it is for."""


class DefinitionComputeParam(TypedDict, total=False):
    """Where agents of a definition run, and for how long."""

    credential_ref: Optional[str]
    """The name of a secret with the provider's credentials."""
    provider: Optional[ProviderNameParam]
    timeout: Optional[int]
    """The same as `timeout` of the definition itself."""


class _CreateDefinitionParam(TypedDict):
    name: str
    """What agents are made by, besides the id."""


class CreateDefinitionParam(_CreateDefinitionParam, total=False):
    """A new definition. All but its name is optional: what is left out comes from the
    session and the settings when an agent is made of it.
    """

    approvals: Optional[ApprovalsParam]
    browser: Optional[bool]
    compute: Optional[DefinitionComputeParam]
    cost_cap: Optional[MoneyParam]
    guardrails: Optional[GuardrailsParam]
    instructions: Optional[str]
    """System-level instructions."""
    knowledge: Optional[List[str]]
    metadata: Optional[MetadataParam]
    model: Optional[AgentModelConfigParam]
    secrets: Optional[List[str]]
    """Names of secrets that the agent's code sees as environment variables."""
    timeout: Optional[int]
    """Seconds that a run may take."""
    tools: Optional[List[str]]
    """Names of tools to enable."""


LimitPeriodParam = Literal["session", "day", "month"]


class _MaxCostParam(TypedDict):
    amount: int
    """Cents."""
    currency: CurrencyParam


class MaxCostParam(_MaxCostParam, total=False):
    period: Optional[LimitPeriodParam]


class LimitsParam(TypedDict, total=False):
    """What a session may spend and hold. An absent limit is no limit."""

    max_agents: Optional[int]
    """Agents at the same time."""
    max_compute_minutes: Optional[int]
    """Minutes of compute over the session's life."""
    max_cost: Optional[MaxCostParam]


class _CreateSessionBodyParam(TypedDict):
    user_id: str
    """Your own name for the user. Opaque to us."""


class CreateSessionBodyParam(_CreateSessionBodyParam, total=False):
    """A new session for one of your users."""

    compute: Optional[ComputeParam]
    limits: Optional[LimitsParam]
    metadata: Optional[MetadataParam]
    model: Optional[AgentModelConfigParam]
    webhook: Optional[str]
    """Told when four fifths of a limit are used, and when one is reached."""


#: Whether a delivery has arrived.
DeliveryStatusParam = Literal["pending", "delivered", "failed"]


#: What the code is written in.
LangParam = Literal["python", "typescript", "bash"]


class ExecCodeParam(TypedDict):
    """Code to run in an agent's sandbox."""

    code: str
    """At most 1 MiB."""
    lang: LangParam


#: Whether a push has ended.
ExportStatusParam = Literal["running", "finished", "failed"]


class ExposePortParam(TypedDict):
    """A port to expose."""

    port: int


#: How much an entry matters.
LogLevelParam = Literal["info", "warn", "error"]


#: What a model is called for.
ModelPurposeParam = Literal["turn", "summary"]


#: Whether a provider took work when it was last looked at.
ProviderStatusParam = Literal["active", "unavailable"]


#: Whether a biller has a usage record.
RecordStatusParam = Literal["pending", "acknowledged", "rejected"]


class ResumeAgentParam(TypedDict, total=False):
    """What an agent resumes from."""

    snapshot_id: Optional[str]
    """Absent: the agent's own latest snapshot, where it left off."""


#: What a task is asked to do: a text, or an object that the model sees as JSON.
TaskInputParam = Union[str, Dict[str, Any]]


#: Which tasks go first: `high` before `normal` before `low`.
TaskPriorityParam = Literal["high", "normal", "low"]


class _RunAgentParam(TypedDict):
    task: TaskInputParam
    """What to do: a text, or an object that the model sees as JSON. At most 1 MiB."""


class RunAgentParam(_RunAgentParam, total=False):
    """A task for one agent."""

    max_steps: Optional[int]
    """Model calls that it may make. Default: 100."""
    priority: Optional[TaskPriorityParam]
    webhook: Optional[str]
    """A URL that is told when the task has ended."""


class _RunSessionParam(TypedDict):
    agent: str
    """The definition, by id or by name, of the agent that is made for it and goes with it."""


class RunSessionParam(_RunSessionParam, total=False):
    """A task whose answer is waited for. Exactly one of `task` and `input` is given."""

    cost_cap: Optional[MoneyParam]
    input: Optional[TaskInputParam]
    max_steps: Optional[int]
    """Model calls that it may make. Default: 100."""
    model: Optional[AgentModelConfigParam]
    priority: Optional[TaskPriorityParam]
    task: Optional[TaskInputParam]
    timeout: Optional[int]
    """Seconds that the run may take; goes before the definition's."""
    webhook: Optional[str]
    """A URL that is told when the task has ended."""


class SessionOptionsParam(TypedDict, total=False):
    """What a session is created with, or what of it is changed. An absent field stays as it
    is; a given one is replaced whole.
    """

    compute: Optional[ComputeParam]
    limits: Optional[LimitsParam]
    metadata: Optional[MetadataParam]
    model: Optional[AgentModelConfigParam]
    webhook: Optional[str]
    """Told when four fifths of a limit are used, and when one is reached; `null`: nobody is
    told any more.
    """


#: Where a session is in its life. One that has reached `maxComputeMinutes` is paused.
SessionStatusParam = Literal["active", "paused", "ended"]


class _SetPriceParam(TypedDict):
    input: str
    """Of prompts."""
    output: str
    """Of answers, their reasoning included."""


class SetPriceParam(_SetPriceParam, total=False):
    """An own price of a model, in US dollars for a million tokens: decimals as strings, or
    numbers, of at most six places.
    """

    cache_read: Optional[str]
    """Of what is read from a cache. Default: `input`."""
    cache_write: Optional[str]
    """Of what is written to a cache. Default: `input`."""
    cache_write_long: Optional[str]
    """Of what is written to a cache that lasts an hour or longer. Default: `cacheWrite`."""


class _SetSecretParam(TypedDict):
    name: str
    """Letters, digits, underscores and hyphens."""
    value: str
    """At most 64 KiB. Never shown again."""


class SetSecretParam(_SetSecretParam, total=False):
    session_id: Optional[str]
    """The session that it is for; the whole org's when absent."""


class StartExportParam(TypedDict, total=False):
    """What to push. All of it is optional: without anything, what was not pushed yet."""

    from_: Optional[str]
    """Only usage at this time or later: RFC 3339, or a date."""
    retry_rejected: bool
    """Also push again what was rejected."""
    until: Optional[str]
    """Only usage before this time."""


#: Where an agent is in its life.
AgentStateParam = Literal[
    "provisioning", "idle", "running", "paused", "completed", "failed", "terminated"
]


#: What a step is.
StepTypeParam = Literal["model_call", "tool_call"]


class _SubmitTaskParam(TypedDict):
    input: TaskInputParam
    """What to do: a text, or an object that the model sees as JSON. At most 1 MiB."""


class SubmitTaskParam(_SubmitTaskParam, total=False):
    """A new task: either for an agent of its own, made of a definition, or for one that is
    there.
    """

    agent: Optional[str]
    """The definition, by id or by name, of the agent that is made for it and goes with it."""
    agent_id: Optional[str]
    """Instead of `agent`: an agent of the session. A busy one takes its tasks one after the
    other.
    """
    cost_cap: Optional[MoneyParam]
    max_steps: Optional[int]
    """Model calls that it may make. Default: 100."""
    model: Optional[AgentModelConfigParam]
    priority: Optional[TaskPriorityParam]
    timeout: Optional[int]
    """With `agent`: seconds that the run may take; goes before the definition's."""
    webhook: Optional[str]
    """A URL that is told when the task has ended."""


#: Where a task is in its life.
TaskStatusParam = Literal["queued", "running", "completed", "failed", "cancelled"]


class UpdateDefinitionParam(TypedDict, total=False):
    """What to change of a definition: an absent field stays as it is, a given one is
    replaced whole.
    """

    approvals: Optional[ApprovalsParam]
    browser: Optional[bool]
    compute: Optional[DefinitionComputeParam]
    cost_cap: Optional[MoneyParam]
    guardrails: Optional[GuardrailsParam]
    instructions: Optional[str]
    knowledge: Optional[List[str]]
    metadata: Optional[MetadataParam]
    model: Optional[AgentModelConfigParam]
    secrets: Optional[List[str]]
    timeout: Optional[int]
    """Seconds that a run may take."""
    tools: Optional[List[str]]


class UpdateBillerParam(TypedDict, total=False):
    """What to change for one biller; an absent field stays as it is."""

    customers: Dict[str, Optional[str]]
    """The biller's customer of each of these users; null: none any more. At most 250 at a
    time, and 1,000 in all: `stripeCustomerId` in the metadata of sessions knows no limit.
    """
    event_name: Optional[str]
    """What the events of its meter are called."""
    meter_id: Optional[str]
    """The meter's id, whose sums settle what is in doubt."""


class BillingParam(TypedDict, total=False):
    """What to change of how usage is pushed to billers."""

    metronome: Optional[UpdateBillerParam]
    stripe: Optional[UpdateBillerParam]


class UpdateSettingsParam(TypedDict, total=False):
    """What to change; an absent field stays as it is."""

    billing: Optional[BillingParam]
    billing_day: Optional[int]
    compute: Optional[ComputeParam]
    model: Optional[AgentModelConfigParam]


__all__ = [
    "AgentModelConfigParam",
    "AgentStateParam",
    "ApprovalsParam",
    "BillingParam",
    "ComputeParam",
    "ConfigureProviderParam",
    "CreateAgentParam",
    "CreateApiKeyParam",
    "CreateDefinitionParam",
    "CreateSessionBodyParam",
    "CurrencyParam",
    "DefinitionComputeParam",
    "DeliveryStatusParam",
    "ExecCodeParam",
    "ExportStatusParam",
    "ExposePortParam",
    "GuardrailsParam",
    "LangParam",
    "LimitPeriodParam",
    "LimitsParam",
    "LogLevelParam",
    "MaxCostParam",
    "MetadataParam",
    "ModelPurposeParam",
    "ModelSettingsParam",
    "MoneyParam",
    "ProviderCredentialsParam",
    "ProviderNameParam",
    "ProviderStatusParam",
    "RecordStatusParam",
    "ResumeAgentParam",
    "RunAgentParam",
    "RunSessionParam",
    "SessionOptionsParam",
    "SessionStatusParam",
    "SetPriceParam",
    "SetSecretParam",
    "StartExportParam",
    "StepTypeParam",
    "SubmitTaskParam",
    "TaskInputParam",
    "TaskPriorityParam",
    "TaskStatusParam",
    "UpdateBillerParam",
    "UpdateDefinitionParam",
    "UpdateSettingsParam",
]
