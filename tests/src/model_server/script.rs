//! What the model will answer, and to whom.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use super::Request;
use super::reply::Reply;

/// What a script lets a client do that is otherwise a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// `temperature`, `top_p`, `top_k`.
    Sampling,
    /// `tool_choice` that forces a tool.
    ForcedTools,
    /// Assistant turns that this server never sent, such as made up examples.
    ForeignTurns,
    /// Responses that are stored at OpenAI, and what goes with it.
    Stored,
    /// Top-level fields that the vendor does not know: a gateway's own.
    UnknownFields,
    /// Streamed Chat Completions without `stream_options.include_usage`.
    NoUsage,
}

/// Where answers come from.
pub struct Script {
    source: Source,
    pub(super) allowed: Vec<Allow>,
}

type Brain = dyn Fn(&Request) -> Reply + Send + Sync;

enum Source {
    Queue(Mutex<VecDeque<Reply>>),
    ByTurn(Vec<Reply>),
    Brain(Box<Brain>),
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Queue(replies) => format!("{} replies", replies.lock().unwrap().len()),
            Source::ByTurn(replies) => format!("{} replies by turn", replies.len()),
            Source::Brain(_) => "a function".to_owned(),
        };
        write!(f, "Script({source}, allowing {:?})", self.allowed)
    }
}

impl Script {
    fn of(source: Source) -> Self {
        Self { source, allowed: Vec::new() }
    }

    /// One after the other, to whatever is asked: a call that is repeated gets the next one. For
    /// retries; for conversations that may be resumed see [`Self::by_turn`].
    pub fn replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(Source::Queue(Mutex::new(replies.into_iter().collect())))
    }

    /// To a conversation that holds n answers of the model, reply n. A call that is repeated gets
    /// the same reply; any number of conversations may run at once.
    pub fn by_turn(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(Source::ByTurn(replies.into_iter().collect()))
    }

    /// Always the same.
    pub fn always(reply: Reply) -> Self {
        Self::brain(move |_| reply.clone())
    }

    /// Computed from the conversation so far. To be safe for crashes, it should depend on nothing
    /// else.
    pub fn brain(brain: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(Source::Brain(Box::new(brain)))
    }

    /// Lets the client do what is otherwise a violation.
    pub fn allowing(mut self, allow: Allow) -> Self {
        self.allowed.push(allow);
        self
    }

    /// The reply, or why there is none.
    pub(super) fn reply(&self, request: &Request) -> Result<Reply, String> {
        match &self.source {
            Source::Queue(replies) => {
                let next = replies.lock().unwrap().pop_front();
                next.ok_or_else(|| "the script has no reply left".to_owned())
            }
            Source::ByTurn(replies) => {
                let n = request.answers();
                let none = || format!("the script has {} replies, not number {n}", replies.len());
                replies.get(n).cloned().ok_or_else(none)
            }
            Source::Brain(brain) => {
                let call = std::panic::AssertUnwindSafe(|| brain(request));
                std::panic::catch_unwind(call).map_err(|_| "the script panicked".to_owned())
            }
        }
    }
}

/// Whether this marker is in a text as a word of its own: `task-1` is not in `task-10`.
pub(super) fn holds(text: &str, marker: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(marker).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + marker.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}
