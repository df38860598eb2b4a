//! Tasks and what belongs to their runs: definitions, model prices, webhook deliveries.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{
    agent_id, approvals, compute, definition_id, delivery_id, failure, guardrails, metadata, model,
    money, notice, payload, pico, session_id, spec, task_id, text, timestamp,
};
use crate::definition::{DefinitionContent, DefinitionEvent};
use crate::delivery::{About, DeliveryEvent};
use crate::model_prices::ModelPricesEvent;
use crate::pricing::{CallFee, LongPrompt, ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage};
use crate::task::{
    Artifact, Priority, Purpose, RequeueReason, SuspendReason, TaskAgent, TaskEvent,
};

pub fn tokens() -> impl Strategy<Value = TokenUsage> {
    let prompt = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    (prompt, any::<u64>(), any::<u64>(), any::<bool>()).prop_map(
        |((input, cache_read, cache_write_short, cache_write_long), output, reasoning, guess)| {
            TokenUsage {
                input,
                cache_read,
                cache_write_short,
                cache_write_long,
                output,
                reasoning,
                estimated: guess,
            }
        },
    )
}

pub fn rates() -> impl Strategy<Value = Rates> {
    (pico(), pico(), pico(), pico(), pico()).prop_map(
        |(input, cache_read, cache_write_short, cache_write_long, output)| Rates {
            input,
            cache_read,
            cache_write_short,
            cache_write_long,
            output,
        },
    )
}

pub fn model_price() -> impl Strategy<Value = ModelPrice> {
    let long = (any::<u64>(), rates()).prop_map(|(over, rates)| LongPrompt { over, rates });
    (text(), rates(), option::of(long)).prop_map(|(id, rates, long_prompt)| ModelPrice {
        id,
        rates,
        long_prompt,
    })
}

fn basis() -> impl Strategy<Value = PriceBasis> {
    prop::sample::select(vec![
        PriceBasis::Table,
        PriceBasis::Reported,
        PriceBasis::Byoi,
        PriceBasis::Unpriced,
        PriceBasis::Mock,
    ])
}

pub fn model_usage() -> BoxedStrategy<ModelUsage> {
    let fee = (text(), pico()).prop_map(|(id, pico_per_call)| CallFee { id, pico_per_call });
    let price = (basis(), option::of(model_price()), option::of(fee));
    (text(), text(), timestamp(), tokens(), price, pico(), pico())
        .prop_map(|(id, model, at, tokens, (basis, price, fee), cost, waived)| ModelUsage {
            id,
            model,
            at,
            tokens,
            basis,
            price,
            fee,
            cost,
            waived,
        })
        .boxed()
}

pub fn priority() -> impl Strategy<Value = Priority> {
    prop::sample::select(Priority::ALL.to_vec())
}

pub fn purpose() -> impl Strategy<Value = Purpose> {
    prop::sample::select(vec![Purpose::Turn, Purpose::Summary])
}

pub fn requeue_reason() -> impl Strategy<Value = RequeueReason> {
    prop::sample::select(vec![
        RequeueReason::LeaseExpired,
        RequeueReason::WorkerLost,
        RequeueReason::Shutdown,
        RequeueReason::Resumed,
        RequeueReason::AgentBusy,
    ])
}

pub fn task_agent() -> BoxedStrategy<TaskAgent> {
    prop_oneof![
        agent_id().prop_map(|agent_id| TaskAgent::Existing { agent_id }),
        (agent_id(), spec()).prop_map(|(agent_id, spec)| TaskAgent::Own { agent_id, spec }),
    ]
    .boxed()
}

pub fn artifact() -> impl Strategy<Value = Artifact> {
    (text(), any::<u64>(), option::of(payload())).prop_map(|(path, size, content)| Artifact {
        path,
        size,
        content,
    })
}

/// Of a few attempts and steps, so that they meet.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0u32..6, 1 => any::<u32>()]
}

pub fn task_event() -> impl Strategy<Value = TaskEvent> {
    prop_oneof![task_life(), model_calls(), tool_calls(), task_ends()]
}

fn task_life() -> BoxedStrategy<TaskEvent> {
    let submitted = (
        (task_id(), session_id(), task_agent(), priority()),
        (any::<u32>(), payload(), option::of(payload()), option::of(task_id())),
    );
    prop_oneof![
        3 => submitted.prop_map(|((task_id, session_id, agent, priority), rest)| {
            let (max_steps, input, webhook, retry_of) = rest;
            TaskEvent::Submitted {
                task_id, session_id, agent, priority, max_steps, input, webhook, retry_of,
            }
        }),
        1 => (session_id(), agent_id(), number(), text()).prop_map(
            |(session_id, agent_id, attempt, worker)| {
                TaskEvent::Started { session_id, agent_id, attempt, worker }
            }
        ),
        1 => number().prop_map(|attempt| TaskEvent::LeaseRenewed { attempt }),
        1 => (number(), requeue_reason())
            .prop_map(|(attempt, reason)| TaskEvent::Requeued { attempt, reason }),
        1 => number().prop_map(|attempt| {
            TaskEvent::Suspended { attempt, reason: SuspendReason::AgentPaused }
        }),
    ]
    .boxed()
}

fn model_calls() -> BoxedStrategy<TaskEvent> {
    let place = || (session_id(), agent_id(), number(), number());
    prop_oneof![
        (number(), number(), purpose(), text(), text()).prop_map(
            |(attempt, step, purpose, vendor, model)| {
                TaskEvent::ModelCallStarted { attempt, step, purpose, vendor, model }
            }
        ),
        (place(), payload(), text(), model_usage(), any::<u64>()).prop_map(
            |((session_id, agent_id, attempt, step), turn, finish, usage, duration_ms)| {
                TaskEvent::ModelCallCompleted {
                    session_id,
                    agent_id,
                    attempt,
                    step,
                    turn,
                    finish,
                    usage,
                    duration_ms,
                }
            }
        ),
        (place(), failure(), option::of(model_usage())).prop_map(
            |((session_id, agent_id, attempt, step), failure, usage)| {
                TaskEvent::ModelCallFailed { session_id, agent_id, attempt, step, failure, usage }
            }
        ),
    ]
    .boxed()
}

fn tool_calls() -> BoxedStrategy<TaskEvent> {
    let intent = (number(), number(), number());
    prop_oneof![
        (intent, text(), text(), payload(), any::<bool>()).prop_map(
            |((attempt, step, of), call_id, tool, input, repeatable)| {
                TaskEvent::ToolCallStarted { attempt, step, of, call_id, tool, input, repeatable }
            }
        ),
        (number(), number(), payload(), option::of(payload()), any::<bool>(), any::<u64>())
            .prop_map(|(attempt, step, output, whole, is_error, duration_ms)| {
                TaskEvent::ToolCallCompleted { attempt, step, output, whole, is_error, duration_ms }
            }),
        (number(), option::of(any::<u16>()), option::of(payload())).prop_map(
            |(attempt, progress, message)| {
                TaskEvent::ProgressReported { attempt, progress, message }
            }
        ),
        (number(), text())
            .prop_map(|(attempt, path)| TaskEvent::ArtifactDeclared { attempt, path }),
    ]
    .boxed()
}

fn task_ends() -> BoxedStrategy<TaskEvent> {
    let place = || (session_id(), agent_id());
    prop_oneof![
        3 => text().prop_map(|reason| TaskEvent::CancelRequested { reason }),
        1 => (place(), number(), payload(), vec(artifact(), 0..3)).prop_map(
            |((session_id, agent_id), attempt, output, artifacts)| {
                TaskEvent::Completed { session_id, agent_id, attempt, output, artifacts }
            }
        ),
        1 => (place(), failure(), option::of(payload()), vec(artifact(), 0..3)).prop_map(
            |((session_id, agent_id), failure, output, artifacts)| {
                TaskEvent::Failed { session_id, agent_id, failure, output, artifacts }
            }
        ),
        1 => (place(), text()).prop_map(|((session_id, agent_id), reason)| {
            TaskEvent::Cancelled { session_id, agent_id, reason }
        }),
    ]
    .boxed()
}

pub fn definition_content() -> BoxedStrategy<Box<DefinitionContent>> {
    let prompt = (option::of(text()), option::of(vec(text(), 0..3)), option::of(model()));
    let run = (
        option::of(compute()),
        option::of(any::<bool>()),
        option::of(any::<u32>()),
        option::of(money()),
    );
    let rules = (
        option::of(approvals()),
        option::of(vec(text(), 0..3)),
        option::of(guardrails()),
        option::of(vec(text(), 0..3)),
    );
    (prompt, run, rules, option::of(metadata()))
        .prop_map(|((instructions, tools, model), run, rules, metadata)| {
            let (compute, browser, timeout, cost_cap) = run;
            let (approvals, knowledge, guardrails, secrets) = rules;
            Box::new(DefinitionContent {
                instructions,
                tools,
                model,
                compute,
                browser,
                timeout,
                cost_cap,
                approvals,
                knowledge,
                guardrails,
                secrets,
                metadata,
            })
        })
        .boxed()
}

pub fn definition_event() -> impl Strategy<Value = DefinitionEvent> {
    prop_oneof![
        (definition_id(), text(), definition_content()).prop_map(
            |(definition_id, name, content)| {
                DefinitionEvent::Created { definition_id, name, content }
            }
        ),
        (any::<u32>(), definition_content())
            .prop_map(|(version, content)| DefinitionEvent::Updated { version, content }),
        Just(DefinitionEvent::Archived {}),
    ]
}

pub fn delivery_event() -> impl Strategy<Value = DeliveryEvent> {
    let tried = (
        number(),
        option::of(any::<u16>()),
        option::of(text()),
        any::<u64>(),
        option::of(timestamp()),
    );
    prop_oneof![
        (delivery_id(), session_id(), about(), payload()).prop_map(
            |(delivery_id, session_id, about, url)| {
                DeliveryEvent::Requested { delivery_id, session_id, about, url }
            }
        ),
        tried.prop_map(|(number, status, error, duration_ms, next_at)| {
            DeliveryEvent::Attempted { number, status, error, duration_ms, next_at }
        }),
    ]
}

fn about() -> impl Strategy<Value = About> {
    prop_oneof![
        task_id().prop_map(|task_id| About::Task { task_id }),
        notice().prop_map(|notice| About::Limit { notice }),
    ]
}

pub fn model_prices_event() -> impl Strategy<Value = ModelPricesEvent> {
    (text(), model_price()).prop_map(|(model, price)| ModelPricesEvent::Set { model, price })
}
