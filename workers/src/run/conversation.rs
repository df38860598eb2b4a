//! A run's conversation, folded from the steps of its task. It is the same after a crash as it
//! would have been without one: everything in it was in the log first.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use theazo_commands::{CommandError, Commander, TaskPart};
use theazo_domain::task::{ModelStep, Purpose, Step, StepKind, Task, ToolStep};
use theazo_domain::{Scope, TaskId};
use theazo_models::{AssistantTurn, Finish, ToolCall, ToolResult, Turn, TurnResult, Wire};

/// Turns in a row that may be cut off at the token limit before the run gives up.
const MAX_CUT_OFF: u32 = 3;

const GO_ON: &str = "Your last answer was cut off at its token limit, and no tool was called. Go \
                     on where it broke off, in smaller pieces.";

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Ask the model.
    Ask,
    /// Carry out these calls of the model step `of`, those that have no result yet.
    Act { of: u32, calls: Vec<ToolCall> },
    /// The run is over.
    End(Verdict),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Completed { output: String },
    Failed { code: &'static str, message: String, output: String },
}

pub(crate) struct Conversation {
    turns: Vec<Arc<Turn>>,
    /// The turn of the model that came last, while it is not answered.
    last: Option<Last>,
    /// Turns in a row that were cut off.
    cut_off: u32,
    /// What the turns before the last one said, as far as the last one goes on with it.
    unfinished: String,
}

struct Last {
    of: u32,
    finish: Finish,
    text: String,
    explanation: Option<String>,
    calls: Vec<ToolCall>,
    results: Vec<Option<ToolResult>>,
}

impl Conversation {
    /// One that begins with the task's input.
    pub fn new(input: &str) -> Self {
        Self::from(first_words(input))
    }

    fn from(first_words: String) -> Self {
        Self { turns: vec![user(first_words)], last: None, cut_off: 0, unfinished: String::new() }
    }

    /// Folds all that the task's finished steps say.
    pub async fn of(
        commander: &Commander,
        scope: Scope,
        task: &Task,
        input: &str,
    ) -> Result<Self, CommandError> {
        let opener = Opener { commander, scope, task: task.id };
        let mut conversation = Self::new(input);
        for step in &task.steps {
            match &step.kind {
                StepKind::Model(ModelStep { turn: Some((turn, _)), purpose, .. }) => {
                    let turn: TurnResult = opener.turn(step, turn).await?;
                    conversation.said(step.number, *purpose, &turn, input);
                }
                StepKind::Tool(tool) => {
                    if let Some((output, is_error)) = &tool.output {
                        let output = opener.output(step, output).await?;
                        conversation.answered(tool, output, *is_error);
                    }
                }
                StepKind::Model(_) => {}
            }
        }
        Ok(conversation)
    }

    /// The model has spoken in step `of`.
    pub fn said(&mut self, of: u32, purpose: Purpose, turn: &TurnResult, input: &str) {
        if purpose == Purpose::Summary {
            let text = format!(
                "{}\n\nYou have worked on this before; what you found and did so far:\n\n{}",
                first_words(input),
                turn.text(),
            );
            let unfinished = std::mem::take(&mut self.unfinished);
            *self = Self { cut_off: self.cut_off, unfinished, ..Self::from(text) };
            return;
        }
        self.settle();
        let cut_off = is_cut_off(turn.finish);
        self.cut_off = if cut_off { self.cut_off + 1 } else { 0 };
        let said = if cut_off { words_of(turn) } else { turn.to_turn() };
        self.turns.push(Arc::new(Turn::Assistant(said)));
        let text = std::mem::take(&mut self.unfinished) + &turn.text();
        if cut_off || turn.finish == Finish::Pause {
            self.unfinished.clone_from(&text);
        }
        let calls = if cut_off { vec![] } else { turn.tool_calls.clone() };
        self.last = Some(Last {
            of,
            finish: turn.finish,
            text,
            explanation: turn.explanation.clone(),
            results: vec![None; calls.len()],
            calls,
        });
        if cut_off {
            self.turns.push(user(GO_ON.to_owned()));
        }
    }

    /// A tool has answered.
    pub fn answered(&mut self, tool: &ToolStep, output: String, is_error: bool) {
        let Some(last) = self.last.as_mut().filter(|last| last.of == tool.of) else { return };
        let Some(i) = last.calls.iter().position(|call| call.id == tool.call_id) else { return };
        let call_id = tool.call_id.clone();
        last.results[i] = Some(ToolResult { call_id, name: tool.tool.clone(), output, is_error });
    }

    /// What is to be done next.
    pub fn next(&mut self) -> Next {
        let Some(last) = &self.last else { return Next::Ask };
        let open = last.calls.iter().zip(&last.results).filter(|(_, result)| result.is_none());
        let open: Vec<ToolCall> = open.map(|(call, _)| call.clone()).collect();
        if !open.is_empty() {
            return Next::Act { of: last.of, calls: open };
        }
        if !last.calls.is_empty() {
            self.settle();
            return Next::Ask;
        }
        let output = last.text.clone();
        match last.finish {
            Finish::Pause => Next::Ask,
            Finish::Length | Finish::ContextFull if self.cut_off <= MAX_CUT_OFF => Next::Ask,
            Finish::ContextFull => failed(
                "context_full",
                "The model's answer did not fit into its window again and again; use a model with \
                a larger one, or a smaller task.",
                output,
            ),
            Finish::Length => failed(
                "max_tokens",
                "The model's answer was cut off at its token \
                limit again and again; raise maxTokens of the model.",
                output,
            ),
            Finish::Refusal => {
                let why = last.explanation.as_deref().unwrap_or("it gave no reason");
                failed("refused", &format!("The model refused: {why}."), output)
            }
            Finish::Filter => {
                failed("refused", "The vendor's content filter cut the answer off.", output)
            }
            Finish::End | Finish::Tools => Next::End(Verdict::Completed { output }),
        }
    }

    /// Whether the last turn says that the window is full.
    pub fn is_full(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.finish == Finish::ContextFull)
    }

    /// The prompt's turns.
    pub fn turns(&mut self) -> Vec<Arc<Turn>> {
        self.settle();
        self.turns.clone()
    }

    /// The last words that the model said.
    pub fn last_words(&self) -> Option<&str> {
        self.turns.iter().rev().find_map(|turn| match turn.as_ref() {
            Turn::Assistant(turn) if !turn.text.is_empty() => Some(turn.text.as_str()),
            _ => None,
        })
    }

    /// Puts the results of the last turn's calls into the conversation, when all are there.
    fn settle(&mut self) {
        let Some(last) = &self.last else { return };
        if last.calls.is_empty() || last.results.iter().any(Option::is_none) {
            return;
        }
        let results = last.results.iter().flatten().cloned().collect();
        self.turns.push(Arc::new(Turn::User { results, text: None }));
        self.last = None;
    }
}

/// Whether the turn may end in half a tool call.
pub(super) const fn is_cut_off(finish: Finish) -> bool {
    matches!(finish, Finish::Length | Finish::ContextFull)
}

fn failed(code: &'static str, message: &str, output: String) -> Next {
    Next::End(Verdict::Failed { code, message: message.to_owned(), output })
}

fn user(text: String) -> Arc<Turn> {
    Arc::new(Turn::User { results: vec![], text: Some(text) })
}

/// The input as the model reads it: a text as it is, an object as JSON.
fn first_words(input: &str) -> String {
    match serde_json::from_str::<Value>(input) {
        Ok(Value::String(text)) => text,
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| input.to_owned()),
        Err(_) => input.to_owned(),
    }
}

/// A turn that was cut off, as words alone: its last block may be half a tool call, which no
/// vendor takes back.
fn words_of(turn: &TurnResult) -> AssistantTurn {
    let text = turn.text();
    let text = if text.is_empty() { "(cut off)".to_owned() } else { text };
    AssistantTurn { wire: Wire::Mock, raw: nothing(), text, tool_calls: vec![] }
}

fn nothing() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

struct Opener<'c> {
    commander: &'c Commander,
    scope: Scope,
    task: TaskId,
}

impl Opener<'_> {
    async fn turn(
        &self,
        step: &Step,
        turn: &theazo_domain::Payload,
    ) -> Result<TurnResult, CommandError> {
        let part = TaskPart::Turn { step: step.number };
        let json = self.commander.open_task(self.scope, self.task, part, turn).await?;
        serde_json::from_slice(&json).map_err(|error| {
            CommandError::Unavailable(format!("step {} cannot be read: {error}", step.number))
        })
    }

    async fn output(
        &self,
        step: &Step,
        output: &theazo_domain::Payload,
    ) -> Result<String, CommandError> {
        let part = TaskPart::ToolOutput { step: step.number };
        self.commander.open_task_text(self.scope, self.task, part, output).await
    }
}
