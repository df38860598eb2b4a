//! Tasks and what belongs to their runs: definitions, webhook deliveries, own prices of models.

use theazo_domain::agent::DefinitionRef;
use theazo_domain::definition::{DefinitionContent, DefinitionEvent};
use theazo_domain::delivery::{About, DeliveryEvent};
use theazo_domain::model_prices::ModelPricesEvent;
use theazo_domain::pricing::{
    CallFee, LongPrompt, ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage,
};
use theazo_domain::session::LimitKind;
use theazo_domain::task::{
    Artifact, Priority, Purpose, RequeueReason, SuspendReason, TaskAgent, TaskEvent,
};

use super::*;

pub fn all() -> Vec<Event> {
    let tasks = [submissions(), attempts(), model_calls(), tool_calls(), reports(), task_ends()];
    [tasks.concat(), definitions(), deliveries(), prices()].concat()
}

fn task_id(n: u128) -> TaskId {
    TaskId::from_uuid(bits(n))
}

fn definition_id() -> DefinitionId {
    DefinitionId::from_uuid(bits(10))
}

fn rates(input: i128) -> Rates {
    Rates {
        input: Pico(input),
        cache_read: Pico(input / 10),
        cache_write_short: Pico(input * 5 / 4),
        cache_write_long: Pico(input * 2),
        output: Pico(input * 5),
    }
}

fn flat_price() -> ModelPrice {
    ModelPrice { id: text("own/sonnet@1"), rates: rates(3_000_000), long_prompt: None }
}

fn tiered_price() -> ModelPrice {
    let long_prompt = Some(LongPrompt { over: 200_000, rates: rates(6_000_000) });
    ModelPrice { id: text("anthropic/claude-sonnet@2026-10-07"), long_prompt, ..flat_price() }
}

fn bare_usage(basis: PriceBasis) -> ModelUsage {
    ModelUsage {
        id: format!("model/{}/0", task_id(8)),
        model: text("claude-sonnet-4-20250514"),
        at: Timestamp::from_millis(1_790_000_000_000),
        tokens: TokenUsage { input: 1_200, output: 80, ..TokenUsage::default() },
        basis,
        price: None,
        fee: None,
        cost: Pico::ZERO,
        waived: Pico::ZERO,
    }
}

fn full_usage() -> ModelUsage {
    let tokens = TokenUsage {
        input: 1_200,
        cache_read: 30_000,
        cache_write_short: 400,
        cache_write_long: 50,
        output: 900,
        reasoning: 700,
        estimated: true,
    };
    let price = tiered_price();
    let cost = price.cost(&tokens);
    ModelUsage { tokens, price: Some(price), cost, ..bare_usage(PriceBasis::Table) }
}

fn with_fee() -> ModelUsage {
    let fee = CallFee { id: text("orchestration.model.2026-11"), pico_per_call: Pico(100_000_000) };
    let (cost, waived) = (Pico(99_999_999), Pico(1));
    ModelUsage { fee: Some(fee), cost, waived, ..bare_usage(PriceBasis::Byoi) }
}

fn submissions() -> Vec<Event> {
    let submitted = |agent, priority, webhook, retry_of| TaskEvent::Submitted {
        task_id: task_id(8),
        session_id: session_id(),
        agent,
        priority,
        max_steps: 100,
        input: inline(),
        webhook,
        retry_of,
    };
    let agent_id = agent_id();
    let existing = || TaskAgent::Existing { agent_id };
    let fallback = ModelConfig::Name(text("openai/gpt-4o"));
    let ModelConfig::Settings(settings) = model() else { unreachable!("model() has settings") };
    let with_fallback = ModelSettings { fallbacks: vec![fallback], ..settings };
    let spec = Box::new(AgentSpec {
        definition: Some(DefinitionRef { id: definition_id(), version: 3 }),
        model: Some(ModelConfig::Settings(with_fallback)),
        ..full_spec()
    });
    let own = TaskAgent::Own { agent_id, spec };
    [
        submitted(existing(), Priority::Normal, None, None),
        submitted(existing(), Priority::Low, Some(blob()), None),
        submitted(own, Priority::High, Some(inline()), Some(task_id(9))),
    ]
    .map(Event::from)
    .into()
}

fn attempts() -> Vec<Event> {
    let (session_id, agent_id) = (session_id(), agent_id());
    let reasons = [
        RequeueReason::LeaseExpired,
        RequeueReason::WorkerLost,
        RequeueReason::Shutdown,
        RequeueReason::Resumed,
        RequeueReason::AgentBusy,
    ];
    let started = TaskEvent::Started { session_id, agent_id, attempt: 1, worker: text("worker-1") };
    let requeued = reasons.map(|reason| TaskEvent::Requeued { attempt: 1, reason });
    let rest = [
        TaskEvent::LeaseRenewed { attempt: 1 },
        TaskEvent::Suspended { attempt: 2, reason: SuspendReason::AgentPaused },
        TaskEvent::CancelRequested { reason: text("api") },
    ];
    [started].into_iter().chain(requeued).chain(rest).map(Event::from).collect()
}

fn model_calls() -> Vec<Event> {
    let (session_id, agent_id) = (session_id(), agent_id());
    let started = |step, purpose| TaskEvent::ModelCallStarted {
        attempt: 1,
        step,
        purpose,
        vendor: text("anthropic"),
        model: text("claude-sonnet-4-20250514"),
    };
    let completed = |turn, usage| TaskEvent::ModelCallCompleted {
        session_id,
        agent_id,
        attempt: 1,
        step: 0,
        turn,
        finish: text("tools"),
        usage,
        duration_ms: 2_310,
    };
    let failed = |usage| {
        let failure = failure();
        TaskEvent::ModelCallFailed { session_id, agent_id, attempt: 1, step: 0, failure, usage }
    };
    [
        started(0, Purpose::Turn),
        started(4, Purpose::Summary),
        completed(inline(), full_usage()),
        completed(blob(), bare_usage(PriceBasis::Unpriced)),
        completed(inline(), bare_usage(PriceBasis::Byoi)),
        completed(inline(), with_fee()),
        completed(inline(), bare_usage(PriceBasis::Mock)),
        completed(inline(), ModelUsage { cost: Pico(7), ..bare_usage(PriceBasis::Reported) }),
        failed(None),
        failed(Some(full_usage())),
    ]
    .map(Event::from)
    .into()
}

fn tool_calls() -> Vec<Event> {
    let started = |input, repeatable| TaskEvent::ToolCallStarted {
        attempt: 1,
        step: 1,
        of: 0,
        call_id: text("toolu_01"),
        tool: text("read_file"),
        input,
        repeatable,
    };
    let completed = |whole, is_error| TaskEvent::ToolCallCompleted {
        attempt: 1,
        step: 1,
        output: inline(),
        whole,
        is_error,
        duration_ms: 12,
    };
    [
        started(inline(), true),
        started(blob(), false),
        completed(None, true),
        completed(Some(blob()), false),
    ]
    .map(Event::from)
    .into()
}

fn reports() -> Vec<Event> {
    let progress =
        |progress, message| TaskEvent::ProgressReported { attempt: 1, progress, message };
    [
        TaskEvent::BaselineRecorded { attempt: 1, files: inline() },
        progress(None, None),
        progress(Some(425), Some(inline())),
        TaskEvent::ArtifactDeclared { attempt: 1, path: text("/workspace/report.pdf") },
    ]
    .map(Event::from)
    .into()
}

fn task_ends() -> Vec<Event> {
    let (session_id, agent_id) = (session_id(), agent_id());
    let artifact =
        |content| Artifact { path: text("/workspace/report.pdf"), size: 70_000, content };
    let completed = |artifacts| TaskEvent::Completed {
        session_id,
        agent_id,
        attempt: 2,
        output: inline(),
        artifacts,
    };
    let failed = |output, artifacts| {
        let failure = failure();
        TaskEvent::Failed { session_id, agent_id, failure, output, artifacts }
    };
    [
        completed(vec![]),
        completed(vec![artifact(None), artifact(Some(blob()))]),
        failed(None, vec![]),
        failed(Some(inline()), vec![artifact(Some(blob()))]),
        TaskEvent::Cancelled { session_id, agent_id, reason: text("api") },
    ]
    .map(Event::from)
    .into()
}

fn definitions() -> Vec<Event> {
    let full = full_spec();
    let full = Box::new(DefinitionContent {
        instructions: full.instructions,
        tools: Some(full.tools),
        model: full.model,
        compute: Some(compute()),
        browser: Some(true),
        timeout: Some(600),
        cost_cap: full.cost_cap,
        approvals: full.approvals,
        knowledge: Some(full.knowledge),
        guardrails: full.guardrails,
        secrets: Some(full.secrets),
        metadata: Some(full.metadata),
    });
    let created = |content| DefinitionEvent::Created {
        definition_id: definition_id(),
        name: text("analyst"),
        content,
    };
    [
        created(Box::default()),
        created(full.clone()),
        DefinitionEvent::Updated { version: 2, content: full },
        DefinitionEvent::Updated { version: 3, content: Box::default() },
        DefinitionEvent::Archived {},
    ]
    .map(Event::from)
    .into()
}

fn deliveries() -> Vec<Event> {
    let requested = |about| DeliveryEvent::Requested {
        delivery_id: DeliveryId::from_uuid(bits(11)),
        session_id: session_id(),
        about,
        url: inline(),
    };
    let attempted = |number, status, error: Option<&str>, next_at| DeliveryEvent::Attempted {
        number,
        status,
        error: error.map(text),
        duration_ms: 93,
        next_at,
    };
    let later = Timestamp::from_millis(1_790_000_005_000);
    [
        requested(About::Task { task_id: task_id(8) }),
        requested(About::Limit { notice: notice(LimitKind::CostCap, false) }),
        attempted(1, None, Some("connection refused"), Some(later)),
        attempted(2, Some(503), None, Some(later)),
        attempted(3, Some(204), None, None),
    ]
    .map(Event::from)
    .into()
}

fn prices() -> Vec<Event> {
    [
        ModelPricesEvent::Set { model: text("sonnet"), price: flat_price() },
        ModelPricesEvent::Set { model: text("sonnet"), price: tiered_price() },
    ]
    .map(Event::from)
    .into()
}
