//! From what a commit says to an event: payloads are opened here, once for all readers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use theazo_commands::{CommandError, Commander, TaskPart};
use theazo_domain::task::Task;
use theazo_domain::{Payload, Scope, StreamId, TaskId};
use theazo_log::live::{Piece, Voice, pieces_after};
use theazo_log::{LogError, Position};
use theazo_models::{Segment, SegmentKind};

use super::cursor::Cursor;
use super::frame::Frame;
use super::script::{Call, Tell};
use crate::error::ApiError;
use crate::task_view::View;
use crate::wire::stream::{Done, Error, Output, Progress, ToolCall, ToolResult};

/// Why a stream cannot go on. What caused it has been logged, or is to be.
#[derive(Debug, Clone)]
pub(super) struct Trouble(String);

impl Trouble {
    pub fn new(what: String) -> Self {
        Self(what)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Self {
        Self(error.to_string())
    }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self(error.to_string())
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self(error.message.into_owned())
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("an event is not JSON: {error}"))
    }
}

/// Opens what one tenant's tasks say.
#[derive(Clone)]
pub(super) struct Renderer {
    pub commander: Arc<Commander>,
    pub scope: Scope,
}

/// What is needed of a [`theazo_models::TurnResult`].
#[derive(Deserialize)]
struct Said {
    segments: Vec<Segment>,
}

impl Renderer {
    pub async fn tell(&self, tell: Tell, end: Cursor) -> Result<Frame, Trouble> {
        let frame = match tell {
            Tell::Status(status) => Frame::event(end, "status", &status),
            Tell::ToolCall { task, step, id, tool, input } => {
                let input = self.open(task, TaskPart::ToolInput { step }, &input).await?;
                let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
                let call = ToolCall { id: &id, tool: &tool, input, step, task_id: task };
                Frame::event(end, "tool_call", &call)
            }
            Tell::ToolResult { task, step, id, tool, output, is_error, duration_ms } => {
                let output = self.open(task, TaskPart::ToolOutput { step }, &output).await?;
                let (id, tool) = (id.as_str(), tool.as_str());
                let result =
                    ToolResult { id, tool, output, is_error, duration_ms, step, task_id: task };
                Frame::event(end, "tool_result", &result)
            }
            Tell::Progress { task, progress, message } => {
                let message = match message {
                    Some(message) => Some(self.open(task, TaskPart::Message, &message).await?),
                    None => None,
                };
                let progress = f64::from(progress) / 1_000.0;
                Frame::event(end, "progress", &Progress { progress, message, task_id: task })
            }
            Tell::Output { task, at } => {
                let shown = self.view().brief(&*self.task(task, at).await?).await?;
                let (text, cost) = (shown.output.unwrap_or_default(), shown.cost);
                Frame::event(end, "output", &Output { text, cost, task_id: task })
            }
            Tell::Done { task, at } => {
                let result = self.view().result(&*self.task(task, at).await?).await?;
                Frame::event(end, "done", &Done { result, task_id: task })
            }
            Tell::Error { task, code, message } => {
                let (code, message) = (code.as_str(), message.as_str());
                let error = Error { code, message, resumable: false, task_id: Some(task) };
                Frame::event(end, "error", &error)
            }
        };
        Ok(frame?)
    }

    /// What is left of a call's text for a reader that is at `at`, from the call's outcome.
    pub async fn rest(
        &self,
        call: &Call,
        turn: &Payload,
        at: Cursor,
    ) -> Result<Vec<Frame>, Trouble> {
        let part = TaskPart::Turn { step: call.step };
        let json = self.commander.open_task(self.scope, call.task, part, turn).await?;
        let said: Said = serde_json::from_slice(&json)?;
        let segments = said.segments.iter().map(|s| (voice(s.kind), s.text.as_str()));
        // Offsets are ours: they fit.
        let offset = usize::try_from(at.text).unwrap_or(usize::MAX);
        text_frames(call, &pieces_after(segments, offset), at)
    }

    async fn open(
        &self,
        task: TaskId,
        part: TaskPart,
        payload: &Payload,
    ) -> Result<String, CommandError> {
        self.commander.open_task_text(self.scope, task, part, payload).await
    }

    /// A task that ended with the commit at `at`, with its steps.
    async fn task(&self, id: TaskId, at: Position) -> Result<Arc<Task>, Trouble> {
        let stream = StreamId::task(self.scope, id);
        let loaded = self.commander.load_since::<Task>(&stream, at).await?;
        loaded.state.ok_or_else(|| Trouble(format!("{stream} has commits but no state")))
    }

    fn view(&self) -> View<'_> {
        View { commander: &self.commander, scope: self.scope }
    }
}

/// `pieces` as events, for a reader that is at `at`.
pub(super) fn text_frames(
    call: &Call,
    pieces: &[Piece],
    mut at: Cursor,
) -> Result<Vec<Frame>, Trouble> {
    let mut frames = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let frame = Frame::text(at, (call.task, call.step), (piece.voice, &piece.text))?;
        at = frame.end;
        frames.push(frame);
    }
    Ok(frames)
}

const fn voice(kind: SegmentKind) -> Voice {
    match kind {
        SegmentKind::Text => Voice::Text,
        SegmentKind::Reasoning => Voice::Reasoning,
    }
}
