"""What the API answers.

Generated from the API's own document by tools/generate_types.py: do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Dict, List, Literal, Optional, Union

from .._core.codec import Model


@dataclass(frozen=True)
class Approvals(Model):
    """Tools that need a human's yes before they run."""

    tools: Optional[List[str]] = None


ProviderName = Union[Literal["local", "docker", "e2b", "fly", "webhook", "mock"], str]


@dataclass(frozen=True)
class Compute(Model):
    """Where agents run."""

    credential_ref: Optional[str] = None
    """The name of a secret with the provider's credentials."""
    provider: Optional[ProviderName] = None


@dataclass(frozen=True)
class AgentFailure(Model):
    """Why something did not succeed."""

    code: str
    message: str


@dataclass(frozen=True)
class Guardrails(Model):
    """What the agent must not do."""

    allowed_domains: Optional[List[str]] = None
    """The only domains that the sandbox reaches: `github.com`, or `*.github.com` for all
    below it. Absent: every public one.
    """
    block_pii: Optional[bool] = None
    """Keep personal data out of what the agent sends."""


#: Your own key-value pairs: at most 50, 16 KiB as JSON.
Metadata = Dict[str, Any]


@dataclass(frozen=True)
class ModelSettings(Model):
    """`{ id, maxTokens, temperature }`, `{ provider, credentialRef, id? }` or `{ baseUrl,
    credentialRef, name }`.
    """

    base_url: Optional[str] = None
    """A compatible gateway."""
    credential_ref: Optional[str] = None
    """The name of a secret that holds the key."""
    id: Optional[str] = None
    max_tokens: Optional[int] = None
    name: Optional[str] = None
    """The model's name at the gateway."""
    provider: Optional[str] = None
    """`anthropic` or `openai`, with your own key."""
    temperature: Optional[float] = None


#: A model: its name, or an object with its settings. The most specific of platform, session
#: and agent wins.
AgentModelConfig = Union[str, ModelSettings]


Currency = Union[Literal["usd"], str]


@dataclass(frozen=True)
class Money(Model):
    """An amount of money."""

    amount: int
    """Cents."""
    currency: Currency


@dataclass(frozen=True)
class DefinitionRef(Model):
    """The version of a definition that an agent was made of."""

    id: str
    version: int


@dataclass(frozen=True)
class SnapshotRef(Model):
    """A snapshot, as its agent shows it."""

    id: str
    size: int
    """Bytes."""


#: Where an agent is in its life.
AgentState = Union[
    Literal["provisioning", "idle", "running", "paused", "completed", "failed",
    "terminated"], str
]


@dataclass(frozen=True)
class Agent(Model):
    """An agent: one sandbox and what may run in it."""

    browser: bool
    compute: Compute
    compute_minutes: float
    """Minutes of running compute as of now, to a thousandth."""
    cost: Money
    """As of now, with the compute and the task that still run."""
    created_at: datetime
    id: str
    knowledge: List[str]
    metadata: Metadata
    secrets: List[str]
    """Names, never values."""
    session_id: str
    state: AgentState
    status: AgentState
    """The same as `state`."""
    timeout: int
    """Seconds that a run may take."""
    tools: List[str]
    updated_at: datetime
    approvals: Optional[Approvals] = None
    cost_cap: Optional[Money] = None
    current_task_id: Optional[str] = None
    """The task that it works on."""
    definition: Optional[DefinitionRef] = None
    error: Optional[AgentFailure] = None
    guardrails: Optional[Guardrails] = None
    instructions: Optional[str] = None
    model: Optional[AgentModelConfig] = None
    snapshot: Optional[SnapshotRef] = None
    started_at: Optional[datetime] = None
    """When its sandbox was first there; null before."""


@dataclass(frozen=True)
class DefinitionCompute(Model):
    """Where agents of a definition run, and for how long."""

    credential_ref: Optional[str] = None
    """The name of a secret with the provider's credentials."""
    provider: Optional[ProviderName] = None
    timeout: Optional[int] = None
    """The same as `timeout` of the definition itself."""


@dataclass(frozen=True)
class AgentDefinition(Model):
    """A reusable configuration of agents, as one of its versions has it; what that leaves
    open is absent.
    """

    archived: bool
    """No new agents are made of it."""
    built_in: bool
    """It exists from the start and cannot be changed; an own one of its name goes before it."""
    created_at: datetime
    id: str
    metadata: Metadata
    name: str
    updated_at: datetime
    """In a list of versions: when the version was made."""
    version: int
    """From 1; every change makes the next one."""
    approvals: Optional[Approvals] = None
    browser: Optional[bool] = None
    compute: Optional[DefinitionCompute] = None
    cost_cap: Optional[Money] = None
    guardrails: Optional[Guardrails] = None
    instructions: Optional[str] = None
    knowledge: Optional[List[str]] = None
    model: Optional[AgentModelConfig] = None
    secrets: Optional[List[str]] = None
    timeout: Optional[int] = None
    """Seconds that a run may take."""
    tools: Optional[List[str]] = None


#: How much an entry matters.
LogLevel = Union[Literal["info", "warn", "error"], str]


@dataclass(frozen=True)
class AgentLogEntry(Model):
    """One entry of an agent's log."""

    level: LogLevel
    message: str
    time: datetime
    type: str
    """The event's type."""


@dataclass(frozen=True)
class ApiKey(Model):
    """An API key. Its secret is not in it: we only have its hash."""

    created_at: datetime
    hint: str
    """Its beginning and end, to recognise it by."""
    id: str
    mode: str
    """`live` or `test`: the mode of the key that created it."""
    name: str
    key: Optional[str] = field(default=None, repr=False)
    """The whole key. Shown this once: keep it."""
    revoked_at: Optional[datetime] = None
    """Since when it no longer works."""
    rotated_at: Optional[datetime] = None


@dataclass(frozen=True)
class BillCheck(Model):
    """What was compared."""

    differences: int
    name: str
    """A read model, `records` (the usage records by themselves), the ledger of a biller, or
    `stripe`: what Stripe says itself.
    """
    rows: int


@dataclass(frozen=True)
class BillDifference(Model):
    """One amount that is not what it must be."""

    events: List[str]
    """The positions of the events that it comes from."""
    field: str
    key: str
    """Which row, usage record, or customer of Stripe's."""
    log: str
    """What the log says."""
    name: str
    reason: str
    found: Optional[str] = None
    """What is there; absent where the row is missing."""


@dataclass(frozen=True)
class BillLedgerTotal(Model):
    cost_pico: str
    """What they cost, in picodollars."""
    records: int
    status: str
    """`acknowledged`, `pending`, `rejected`, or `unsent`: no push has looked at them yet."""
    code: Optional[str] = None
    """Why they were not acknowledged."""


@dataclass(frozen=True)
class BillLedger(Model):
    """What has become of the period's usage records that cost something at one biller."""

    exporter: str
    totals: List[BillLedgerTotal]


@dataclass(frozen=True)
class VerifiedPeriod(Model):
    from_: datetime
    until: datetime


@dataclass(frozen=True)
class BillVerification(Model):
    """What a verification of the bill found."""

    checks: List[BillCheck]
    commits: int
    """All of yours that were folded."""
    cost: Money
    """What they cost."""
    cost_pico: str
    """The same in picodollars, not rounded."""
    differences: List[BillDifference]
    """The first hundred."""
    ledgers: List[BillLedger]
    """What has become of it at each biller that usage was pushed to."""
    ok: bool
    """Whether nothing differs."""
    period: VerifiedPeriod
    position: int
    """The last commit that was folded."""
    records: int
    """Usage records of the period."""


@dataclass(frozen=True)
class BillingPeriod(Model):
    """What an answer is about."""

    from_: datetime
    until: datetime
    """Not in the period any more."""


@dataclass(frozen=True)
class BillingUsage(Model):
    """A period in figures."""

    agents: int
    """That began in the period."""
    compute_minutes: int
    model_calls: int
    period: BillingPeriod
    sessions: int
    """That began in the period."""
    total_cost: Money


@dataclass(frozen=True)
class DailyCost(Model):
    """What one UTC day costs."""

    cost: Money
    date: date


#: Whether a delivery has arrived.
DeliveryStatus = Union[Literal["pending", "delivered", "failed"], str]


@dataclass(frozen=True)
class Delivery(Model):
    """One webhook, from the first try to the last."""

    attempts: int
    """Tries so far."""
    created_at: datetime
    id: str
    """Also the `webhook-id` header of every try."""
    status: DeliveryStatus
    updated_at: datetime
    url: str
    last_error: Optional[str] = None
    """Why the last try got no answer."""
    last_status: Optional[int] = None
    """The HTTP status of the last answer."""
    next_attempt_at: Optional[datetime] = None
    """When the next try is due."""
    task_id: Optional[str] = None
    """The task whose end it tells of; absent where it tells of a limit."""


@dataclass(frozen=True)
class AuditEvent(Model):
    """One event: something that happened, and who caused it."""

    actor: str
    commit_id: str
    data: Dict[str, Any]
    """The event's own data; secrets are left out of it."""
    id: str
    """Of the commit and its place in it: unique for ever."""
    key: str
    kind: str
    """What it happened to."""
    position: int
    """Its commit's place in the log."""
    time: datetime
    type: str
    agent_id: Optional[str] = None
    request_id: Optional[str] = None
    """The request that caused it."""
    session_id: Optional[str] = None
    task_id: Optional[str] = None
    user_id: Optional[str] = None


@dataclass(frozen=True)
class ExecResult(Model):
    """What the code printed and how it ended. A non-zero exit code is an answer, not an
    error.
    """

    duration_ms: int
    exit_code: int
    """The exit status; 128 + n when signal n ended it."""
    id: str
    stderr: str
    """The first MiB of it."""
    stdout: str
    """The first MiB of it."""
    truncated: bool
    """Whether stdout or stderr was longer than what is kept."""


@dataclass(frozen=True)
class ExportFailure(Model):
    """Why a push was given up."""

    code: str
    message: str


@dataclass(frozen=True)
class ExportRecords(Model):
    """What became of the usage records of a push."""

    acknowledged: int
    pending: int
    """The biller may or may not have them; the next push settles that."""
    rejected: int
    skipped: int
    """They cost nothing."""


#: Whether a push has ended.
ExportStatus = Union[Literal["running", "finished", "failed"], str]


#: Whether a biller has a usage record.
RecordStatus = Union[Literal["pending", "acknowledged", "rejected"], str]


@dataclass(frozen=True)
class LedgerTotal(Model):
    """How many usage records are in one state."""

    records: int
    status: RecordStatus
    code: Optional[str] = None


@dataclass(frozen=True)
class UserWithoutCustomer(Model):
    """A user that is no customer of the biller's."""

    records: int
    user_id: str


@dataclass(frozen=True)
class Export(Model):
    """A push of usage to a biller."""

    codes: Dict[str, int]
    """Why records were rejected or are pending, and how many."""
    cost: Money
    """What the records cost that it sent and that were acknowledged."""
    created_at: datetime
    exporter: str
    id: str
    records: ExportRecords
    retry_rejected: bool
    status: ExportStatus
    updated_at: datetime
    users_without_customer: List[UserWithoutCustomer]
    """Users that are no customers of the biller's, with the records that wait for that; the
    first 100 of them. Name the customer in the session's metadata, or in the settings.
    """
    ended_at: Optional[datetime] = None
    failure: Optional[ExportFailure] = None
    from_: Optional[datetime] = None
    ledger: Optional[List[LedgerTotal]] = None
    """All usage records that this biller was ever to be told of, by what became of them."""
    until: Optional[datetime] = None


@dataclass(frozen=True)
class ExportedRecord(Model):
    """What became of one usage record."""

    cost_pico: str
    """Picodollars, as a decimal."""
    session_id: str
    status: RecordStatus
    updated_at: datetime
    usage_id: str
    used_at: datetime
    user_id: str
    code: Optional[str] = None
    """Why, unless it is acknowledged."""
    customer: Optional[str] = None
    """The biller's customer."""


@dataclass(frozen=True)
class FileEntry(Model):
    """An entry of a directory."""

    is_directory: bool
    name: str
    size: int
    """Bytes; 0 for a directory."""


@dataclass(frozen=True)
class LongPromptPrice(Model):
    """The same for long prompts."""

    cache_read: str
    cache_write: str
    cache_write_long: str
    input: str
    output: str
    over: int
    """Tokens of prompt, above which it holds."""


@dataclass(frozen=True)
class Price(Model):
    """A price in US dollars for a million tokens, as decimals."""

    cache_read: str
    cache_write: str
    cache_write_long: str
    """Of what is written to a cache that lasts an hour or longer."""
    id: str
    """The row of the price table: usage records name it."""
    input: str
    output: str
    long_prompt: Optional[LongPromptPrice] = None
    since: Optional[str] = None
    """The date from which it holds; absent where it always did."""


@dataclass(frozen=True)
class KnownModel(Model):
    """A model that is known, with what it costs."""

    available: bool
    """Whether the platform has a key for it; without one, give your own with
    `credentialRef`.
    """
    id: str
    """`vendor/model`: what `model` may be set to."""
    model: str
    """The vendor's own id."""
    vendor: str
    context_window: Optional[int] = None
    """Tokens of prompt and answer together."""
    max_output: Optional[int] = None
    """Tokens of an answer."""
    own_price: Optional[Price] = None
    price: Optional[Price] = None


@dataclass(frozen=True)
class ModelCost(Model):
    """What one model costs."""

    calls: int
    cost: Money
    input_tokens: int
    """Whole prompts: also what was read from a cache or written to one, once."""
    model: str
    """By its vendor's word."""
    output_tokens: int
    unpriced_calls: Optional[int] = None
    """Calls that had no price, so that the cost is too low. Absent when there are none."""


#: Whether a provider took work when it was last looked at.
ProviderStatus = Union[Literal["active", "unavailable"], str]


LimitPeriod = Union[Literal["session", "day", "month"], str]


@dataclass(frozen=True)
class MaxCost(Model):
    amount: int
    """Cents."""
    currency: Currency
    period: Optional[LimitPeriod] = None


@dataclass(frozen=True)
class Limits(Model):
    """What a session may spend and hold. An absent limit is no limit."""

    max_agents: Optional[int] = None
    """Agents at the same time."""
    max_compute_minutes: Optional[int] = None
    """Minutes of compute over the session's life."""
    max_cost: Optional[MaxCost] = None


#: Where a session is in its life. One that has reached `maxComputeMinutes` is paused.
SessionStatus = Union[Literal["active", "paused", "ended"], str]


@dataclass(frozen=True)
class SessionUsage(Model):
    """What a session has used so far, with what is running now."""

    active_agents: int
    """Agents that have not ended."""
    compute_minutes: float
    cost: Money


#: What a model is called for.
ModelPurpose = Union[Literal["turn", "summary"], str]


@dataclass(frozen=True)
class RequestedTool(Model):
    """A tool that a model asks for."""

    id: str
    """Unique within its turn."""
    input: Any
    """As the model gave it; a text where that is not JSON."""
    name: str


#: What a step is.
StepType = Union[Literal["model_call", "tool_call"], str]


@dataclass(frozen=True)
class TaskFailure(Model):
    """Why a task failed: a code of the errors' table, and what to do about it."""

    code: str
    message: str


@dataclass(frozen=True)
class Tokens(Model):
    """Tokens, each counted once."""

    cache_read_tokens: int
    cache_write_tokens: int
    input_tokens: int
    """Of prompts, neither read from a cache nor written to one."""
    output_tokens: int
    """Everything that the model wrote, its reasoning included."""
    reasoning_tokens: int
    """How much of `outputTokens` was reasoning."""
    estimated: Optional[bool] = None
    """The vendor did not say; counted by us."""


#: Which tasks go first: `high` before `normal` before `low`.
TaskPriority = Union[Literal["high", "normal", "low"], str]


#: Where a task is in its life.
TaskStatus = Union[Literal["queued", "running", "completed", "failed", "cancelled"], str]


@dataclass(frozen=True)
class ToolCall(Model):
    """One call of a tool."""

    duration_ms: int
    id: str
    """The model's id of the call."""
    input: Any
    """As the model gave it; a text where that is not JSON."""
    is_error: bool
    name: str
    output: Optional[Any] = None
    """What the model was told; an object where that is one as JSON. Absent until there is
    one.
    """


@dataclass(frozen=True)
class Port(Model):
    """A port that is reachable from outside. Its URL is valid while the agent lives and asks
    for no key: whoever knows it can use it.
    """

    path_url: str
    """The same port below this API's own origin, for where the name in `url` does not
    resolve. Pages get no cookies and an opaque origin there.
    """
    port: int
    url: str
    """An origin of its own."""


@dataclass(frozen=True)
class Provider(Model):
    """A compute provider that is configured."""

    created_at: datetime
    is_default: bool
    provider: ProviderName
    status: ProviderStatus


@dataclass(frozen=True)
class ProviderCheck(Model):
    """What a live check of a provider found."""

    healthy: bool
    message: str
    """What is wrong, or what was found."""
    provider: ProviderName


@dataclass(frozen=True)
class RunResult(Model):
    """What a run came to."""

    artifacts: List[str]
    """Paths of the files that it made or changed."""
    cost: Money
    duration: int
    """Milliseconds that it was worked on."""
    output: str
    """The final text."""
    task_id: str
    tool_calls: List[ToolCall]


@dataclass(frozen=True)
class Secret(Model):
    """A secret without its value."""

    created_at: datetime
    name: str
    scope: str
    """`org`, or the id of its session."""


@dataclass(frozen=True)
class ServiceStatus(Model):
    """What a probe hears."""

    status: str
    behind: Optional[int] = None
    """Commits that the read models do not have yet."""
    position: Optional[int] = None
    """The last commit of the log."""
    warnings: Optional[List[str]] = None
    """Where this deployment keeps less than it promises, and what to do about it."""


@dataclass(frozen=True)
class Session(Model):
    """The isolation, limits and bill of one of your users."""

    created_at: datetime
    id: str
    limits: Limits
    metadata: Metadata
    status: SessionStatus
    updated_at: datetime
    usage: SessionUsage
    user_id: str
    compute: Optional[Compute] = None
    model: Optional[AgentModelConfig] = None
    webhook: Optional[bool] = None
    """Whether a webhook is told of its limits; absent when none is."""


@dataclass(frozen=True)
class BillerSettings(Model):
    """What usage is pushed to a biller with."""

    customers: Optional[Dict[str, str]] = None
    """The biller's customer of each user."""
    event_name: Optional[str] = None
    meter_id: Optional[str] = None


@dataclass(frozen=True)
class Settings(Model):
    """What holds where a session and an agent say nothing."""

    billing_day: int
    """Day of the month that a billing period starts on."""
    billing: Optional[Dict[str, BillerSettings]] = None
    """What usage is pushed to each biller with."""
    compute: Optional[Compute] = None
    model: Optional[AgentModelConfig] = None
    updated_at: Optional[datetime] = None
    """Absent before the first change."""


@dataclass(frozen=True)
class Snapshot(Model):
    """An agent's files as they were at a pause."""

    agent_id: str
    created_at: datetime
    id: str
    provider: str
    """The provider that keeps it; an agent that starts from it runs there too."""
    session_id: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class StartedExport(Model):
    """A push that is under way."""

    export_id: str
    status: ExportStatus


@dataclass(frozen=True)
class StateAsOf(Model):
    """A thing as it was."""

    at: datetime
    """When it became so."""
    id: str
    kind: str
    position: int
    """The commit that made it so."""
    state: Dict[str, Any]
    """Without ciphertexts and hashes."""


@dataclass(frozen=True)
class Step(Model):
    """One model call or one tool call of a run. One without `finishedAt` is under way."""

    attempt: int
    """The attempt that began it."""
    duration_ms: int
    number: int
    """From 0, in the order in which they were begun."""
    started_at: datetime
    type: StepType
    call_id: Optional[str] = None
    """Of a tool call: the model's id of it."""
    cost: Optional[Money] = None
    error: Optional[TaskFailure] = None
    finish: Optional[str] = None
    """Of a model call: why the model stopped."""
    finished_at: Optional[datetime] = None
    input: Optional[Any] = None
    """Of a tool call: as the model gave it; a text where that is not JSON."""
    is_error: Optional[bool] = None
    """Of a tool call that has ended: whether the model was told of an error."""
    model: Optional[str] = None
    """Of a model call: the model that answered, before that the one that is asked."""
    of: Optional[int] = None
    """Of a tool call: the number of the model call that asked for it."""
    output: Optional[Any] = None
    """Of a tool call: what the model was told; an object where that is one as JSON."""
    price_id: Optional[str] = None
    """The row of the price table that the cost is by."""
    purpose: Optional[ModelPurpose] = None
    text: Optional[str] = None
    """What the model said."""
    thinking: Optional[str] = None
    """The reasoning that the model showed."""
    tool: Optional[str] = None
    """Of a tool call: the tool's name."""
    tool_calls: Optional[List[RequestedTool]] = None
    """The tools that the model asked for."""
    usage: Optional[Tokens] = None
    vendor: Optional[str] = None
    """Of a model call: the vendor, or the gateway's host."""


@dataclass(frozen=True)
class Submitted(Model):
    """A task that was begun in the background."""

    agent_id: str
    task_id: str


@dataclass(frozen=True)
class Task(Model):
    """A task: one run of an agent, from its submission to its end."""

    agent_id: str
    artifacts: List[str]
    """Paths of the files that it made or changed."""
    attempt: int
    """Workers that took it up so far."""
    cost: Money
    """Of its model calls and of the compute while it was worked on."""
    created_at: datetime
    duration: int
    """Milliseconds that it has been worked on."""
    id: str
    message: str
    """What the agent last reported that it does."""
    model_calls: int
    """Model calls that it began."""
    priority: TaskPriority
    progress: float
    """0 to 1, as the agent reports it."""
    session_id: str
    status: TaskStatus
    task_id: str
    """The same as `id`."""
    usage: Tokens
    error: Optional[TaskFailure] = None
    finished_at: Optional[datetime] = None
    output: Optional[str] = None
    """The final text; of a failed task, what there was of it."""
    retry_of: Optional[str] = None
    """The task that this one does again."""
    started_at: Optional[datetime] = None
    tool_calls: Optional[List[ToolCall]] = None
    """Absent in lists."""
    unpriced: Optional[bool] = None
    """A model without a known price was called: the cost is too low."""
    webhook: Optional[bool] = None
    """Whether a webhook is told when it has ended; absent when none is."""


@dataclass(frozen=True)
class Tool(Model):
    """Something that an agent can do."""

    always: bool
    """Every agent with a model has it, named or not."""
    built_in: bool
    description: str
    """What it does, as models are told."""
    input_schema: Any
    """A JSON Schema of what it takes."""
    mutates: bool
    """Whether it changes anything."""
    name: str
    repeatable: bool
    """Whether it is done again after a crash, when what came of it is not known."""


@dataclass(frozen=True)
class ComputeSummary(Model):
    """Running compute; with your own providers, our fee for it."""

    cost: Money
    minutes: int


@dataclass(frozen=True)
class ModelSummary(Model):
    """Model calls; with your own keys, our fee for them."""

    cost: Money
    input_tokens: int
    """Whole prompts: also what was read from a cache or written to one, once."""
    output_tokens: int


@dataclass(frozen=True)
class StorageSummary(Model):
    """Snapshots and artifacts."""

    cost: Money
    gb: float
    """GiB that were kept, on average over the period."""


@dataclass(frozen=True)
class UsageSummary(Model):
    """What was used in a period, and what it costs."""

    compute: ComputeSummary
    models: ModelSummary
    period: BillingPeriod
    storage: StorageSummary
    total: Money
    """Of the three."""


@dataclass(frozen=True)
class UserCost(Model):
    """What one of your users costs, in all sessions."""

    agents: int
    """That began in the period."""
    cost: Money
    sessions: int
    """That began in the period."""
    user_id: str


@dataclass(frozen=True)
class BrokenLink(Model):
    position: int
    reason: str


@dataclass(frozen=True)
class Verification(Model):
    """What a verification of the hash chain found."""

    checkpoints: int
    """Signed checkpoints that were compared."""
    commits: int
    """Commits that were found to be as they were written."""
    hash: str
    """The rolling hash of all of them, in hex."""
    ok: bool
    """Whether everything is as it was written."""
    position: int
    """The last of them."""
    broken: Optional[BrokenLink] = None


@dataclass(frozen=True)
class WebhookSecret(Model):
    """What the webhooks of this org and mode are signed with."""

    secret: str = field(repr=False)
    """For a library of Standard Webhooks, as it is."""


@dataclass(frozen=True)
class WrittenFile(Model):
    """A file that was written."""

    path: str
    size: int
    """Bytes."""


__all__ = [
    "Agent",
    "AgentDefinition",
    "AgentFailure",
    "AgentLogEntry",
    "AgentModelConfig",
    "AgentState",
    "ApiKey",
    "Approvals",
    "AuditEvent",
    "BillCheck",
    "BillDifference",
    "BillLedger",
    "BillLedgerTotal",
    "BillVerification",
    "BillerSettings",
    "BillingPeriod",
    "BillingUsage",
    "BrokenLink",
    "Compute",
    "ComputeSummary",
    "Currency",
    "DailyCost",
    "DefinitionCompute",
    "DefinitionRef",
    "Delivery",
    "DeliveryStatus",
    "ExecResult",
    "Export",
    "ExportFailure",
    "ExportRecords",
    "ExportStatus",
    "ExportedRecord",
    "FileEntry",
    "Guardrails",
    "KnownModel",
    "LedgerTotal",
    "LimitPeriod",
    "Limits",
    "LogLevel",
    "LongPromptPrice",
    "MaxCost",
    "Metadata",
    "ModelCost",
    "ModelPurpose",
    "ModelSettings",
    "ModelSummary",
    "Money",
    "Port",
    "Price",
    "Provider",
    "ProviderCheck",
    "ProviderName",
    "ProviderStatus",
    "RecordStatus",
    "RequestedTool",
    "RunResult",
    "Secret",
    "ServiceStatus",
    "Session",
    "SessionStatus",
    "SessionUsage",
    "Settings",
    "Snapshot",
    "SnapshotRef",
    "StartedExport",
    "StateAsOf",
    "Step",
    "StepType",
    "StorageSummary",
    "Submitted",
    "Task",
    "TaskFailure",
    "TaskPriority",
    "TaskStatus",
    "Tokens",
    "Tool",
    "ToolCall",
    "UsageSummary",
    "UserCost",
    "UserWithoutCustomer",
    "Verification",
    "VerifiedPeriod",
    "WebhookSecret",
    "WrittenFile",
]
