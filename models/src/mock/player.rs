//! Plays one step of a script.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use theazo_domain::pricing::TokenUsage;
use tokio::time::Instant;

use super::script::{Ending, Fail, Piece, Step, is_script, step};
use crate::call::Events;
use crate::codec::{Transcript, malformed, raw_array};
use crate::contract::{
    Finish, ModelError, ModelEvent, Prompt, SegmentKind, ToolCall, Turn, TurnResult, Wire,
};
use crate::estimate::{estimate_prompt, estimate_usage};
use crate::retry::Failure;

/// See the module's documentation. Clones share what they remember.
#[derive(Debug, Clone, Default)]
pub struct Mock {
    /// Each `@fail-once` that has failed and was not asked again yet.
    failed_once: Arc<Mutex<HashSet<u64>>>,
}

/// What of a prompt decides about the answer.
struct Scene<'a> {
    text: &'a str,
    /// Answers since that text.
    answers: usize,
    /// Answers in all, which makes the ids of calls unique.
    all_answers: usize,
    last_result: Option<&'a str>,
}

impl Mock {
    pub async fn answer(&self, leg: u8, prompt: &Prompt, events: &Events) -> Result<(), Failure> {
        let began = Instant::now();
        let scene = Scene::of(prompt);
        let mut step = step(scene.text, scene.answers);
        if let Some((after, fail)) = step.fail_once.take()
            && self.fails_now(&scene, prompt)
        {
            step.pieces.truncate(after);
            step.calls.clear();
            step.ending = Ending::Fail(fail);
        }
        let mut transcript = Transcript::default();
        say(&step, &scene, &mut transcript);
        let mut first_delta: Option<Duration> = None;
        for delta in chunks(transcript.take()) {
            pause(step.slow).await;
            first_delta.get_or_insert_with(|| began.elapsed());
            if events.send(Ok(delta)).await.is_err() {
                return Ok(());
            }
        }
        if step.calls.is_empty() && first_delta.is_none() {
            pause(step.slow).await;
        }
        let calls = calls(&step, &scene);
        let usage = usage(&step, prompt, &transcript, &calls);
        if let Ending::Fail(Fail { kind, status, message }) = step.ending {
            let told = first_delta.is_some();
            let usage = told.then_some(usage);
            let error = ModelError { status, usage, leg, ..ModelError::new(kind, message) };
            return Err(Failure { told, ..Failure::early(error) });
        }
        for _ in &calls {
            pause(step.slow).await;
        }
        let total = began.elapsed();
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let (finish, explanation) = finish(&step);
        let result = TurnResult {
            wire: Wire::Mock,
            model: "mock".to_owned(),
            request_id: None,
            raw: raw(&transcript, &calls).map_err(|e| Failure::early(malformed(e)))?,
            segments: transcript.segments,
            tool_calls: calls,
            finish,
            explanation,
            usage,
            charged: None,
            first_delta_ms: millis(first_delta.unwrap_or(total)),
            total_ms: millis(total),
            leg,
        };
        let _ = events.send(Ok(ModelEvent::Done(Box::new(result)))).await;
        Ok(())
    }

    /// Whether a `@fail-once` has yet to fail. It is forgotten when it is asked again, so that the
    /// next run of the same text fails too.
    fn fails_now(&self, scene: &Scene, prompt: &Prompt) -> bool {
        let mut hasher = DefaultHasher::new();
        (&prompt.cache_key, scene.text, scene.all_answers).hash(&mut hasher);
        let id = hasher.finish();
        let mut failed = self.failed_once.lock();
        !failed.remove(&id) && failed.insert(id)
    }
}

impl<'a> Scene<'a> {
    fn of(prompt: &'a Prompt) -> Self {
        let mut scene = Scene { text: "", answers: 0, all_answers: 0, last_result: None };
        let mut scripted = false;
        for turn in &prompt.turns {
            match &**turn {
                Turn::User { results, text } => {
                    if let Some(result) = results.last() {
                        scene.last_result = Some(&result.output);
                    }
                    // What the caller says in between ("go on") does not end a script.
                    if let Some(text) = text
                        && (is_script(text) || !scripted)
                    {
                        scripted = is_script(text);
                        scene.text = text;
                        scene.answers = 0;
                    }
                }
                Turn::Assistant(_) => {
                    scene.answers += 1;
                    scene.all_answers += 1;
                }
            }
        }
        scene
    }
}

fn say(step: &Step, scene: &Scene, transcript: &mut Transcript) {
    let mut last: Option<SegmentKind> = None;
    for piece in &step.pieces {
        let (kind, text) = match piece {
            Piece::Say(text) => (SegmentKind::Text, text.as_str()),
            Piece::Echo => (SegmentKind::Text, scene.last_result.unwrap_or("mock: no result")),
            Piece::Think(text) => (SegmentKind::Reasoning, text.as_str()),
        };
        let line_end = if last == Some(kind) { "\n" } else { "" };
        let text = format!("{line_end}{text}");
        match kind {
            SegmentKind::Text => transcript.text(&text),
            SegmentKind::Reasoning => transcript.reasoning(&text),
        }
        last = Some(kind);
    }
}

/// Word by word.
fn chunks(deltas: Vec<ModelEvent>) -> impl Iterator<Item = ModelEvent> {
    let words = |text: &str, event: fn(String) -> ModelEvent| -> Vec<ModelEvent> {
        text.split_inclusive(char::is_whitespace).map(|word| event(word.to_owned())).collect()
    };
    deltas.into_iter().flat_map(move |delta| match delta {
        ModelEvent::Text(text) => words(&text, ModelEvent::Text),
        ModelEvent::Reasoning(text) => words(&text, ModelEvent::Reasoning),
        done @ ModelEvent::Done(_) => vec![done],
    })
}

async fn pause(slow: Duration) {
    if !slow.is_zero() {
        tokio::time::sleep(slow).await;
    }
}

fn calls(step: &Step, scene: &Scene) -> Vec<ToolCall> {
    let call = |(i, (name, arguments)): (usize, &(String, String))| ToolCall {
        id: format!("call_{}_{i}", scene.all_answers),
        name: name.clone(),
        arguments: arguments.clone(),
    };
    step.calls.iter().enumerate().map(call).collect()
}

fn usage(step: &Step, prompt: &Prompt, said: &Transcript, calls: &[ToolCall]) -> TokenUsage {
    match step.usage {
        Some((input, output)) => TokenUsage { input, output, ..TokenUsage::default() },
        None => {
            let counted = estimate_usage(estimate_prompt(prompt), &said.written(), calls);
            // Its own count is its word.
            TokenUsage { estimated: false, ..counted }
        }
    }
}

fn finish(step: &Step) -> (Finish, Option<String>) {
    match &step.ending {
        Ending::Refuse(why) => (Finish::Refusal, Some(why.clone()).filter(|w| !w.is_empty())),
        Ending::MaxTokens => (Finish::Length, None),
        Ending::Pause => (Finish::Pause, None),
        Ending::Normal | Ending::Fail(_) if !step.calls.is_empty() => (Finish::Tools, None),
        Ending::Normal | Ending::Fail(_) => (Finish::End, None),
    }
}

fn raw(said: &Transcript, calls: &[ToolCall]) -> serde_json::Result<Box<RawValue>> {
    let said = said.segments.iter().map(|segment| match segment.kind {
        SegmentKind::Text => json!({ "type": "text", "text": segment.text }),
        SegmentKind::Reasoning => json!({ "type": "thinking", "thinking": segment.text }),
    });
    let calls = calls.iter().map(|call| {
        let ToolCall { id, name, arguments } = call;
        json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments })
    });
    let blocks: Result<Vec<_>, _> = said.chain(calls).map(|block| to_raw_value(&block)).collect();
    Ok(raw_array(blocks?.iter().map(|block| &**block)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
