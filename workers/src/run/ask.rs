//! One model call: its intent, its live text, its outcome.

use std::time::Duration;

use futures::StreamExt;
use theazo_commands::TaskPart;
use theazo_domain::agent::Failure;
use theazo_domain::pricing::TokenUsage;
use theazo_domain::task::{Entry, Purpose};
use theazo_log::live::{Speaker, Voice};
use theazo_models::{
    Finish, ModelError, ModelErrorKind, ModelEvent, Prompt, TurnResult, estimate_prompt,
    estimate_tokens,
};
use tokio::time::{Instant, sleep_until};

use super::budget::NotMade;
use super::conversation::{Verdict, is_cut_off};
use super::{Begun, Run, RunError, Stop, Went};

/// Live text is handed on after so long, or when there is so much of it.
const COALESCE: Duration = Duration::from_millis(50);
const COALESCE_BYTES: usize = 1 << 10;
/// Calls in a row that may break off before the run gives up.
const MAX_BROKEN: u32 = 3;
/// The wait after the first broken call; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A vendor that asks for a longer wait is not waited for: the run would hold a worker all the
/// time.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// How a call ended.
pub(super) enum Answer {
    Whole(Box<TurnResult>),
    Broken(ModelError),
    /// What it had written by then.
    Stopped(Stop, String),
}

impl Run {
    /// The next turn of the model, and the intents of the tools that it asks for.
    pub(super) async fn ask(&mut self) -> Result<Went, RunError> {
        let begun = match self.begun.take() {
            Some(begun) => begun,
            None => self.begin(Purpose::Turn).await?,
        };
        let mut prompt = self.prompt();
        if let Err(why) = self.afford(&mut prompt).await? {
            return self.not_made(begun, why).await;
        }
        match self.call(begun, prompt.clone(), true).await? {
            Answer::Whole(turn) => self.heard(begun, *turn).await,
            Answer::Broken(error) => self.broke(begun, &prompt, &error).await,
            Answer::Stopped(stop, said) => {
                let entry = self.stopped_call(begun, &prompt, &stop, &said);
                Ok(Went::Stopped(stop, vec![entry]))
            }
        }
    }

    /// Commits the intent of a call.
    pub(super) async fn begin(&mut self, purpose: Purpose) -> Result<Begun, RunError> {
        let step = self.next_step();
        let at = self.report(vec![self.intent(purpose)]).await?;
        Ok(Begun { step, at })
    }

    pub(super) fn intent(&self, purpose: Purpose) -> Entry {
        let (vendor, model) = (self.route.vendor.clone(), self.route.model.clone());
        Entry::ModelCallStarted { purpose, vendor, model }
    }

    fn prompt(&mut self) -> Prompt {
        Prompt {
            system: self.agent.spec.instructions.clone(),
            turns: self.conversation.turns(),
            tools: self.tools.clone(),
            max_tokens: self.route.max_tokens,
            temperature: self.route.temperature,
            cache_key: Some(self.task.id.to_string()),
        }
    }

    /// Makes the call whose intent is `begun`; `live`: others may listen.
    pub(super) async fn call(
        &mut self,
        begun: Begun,
        prompt: Prompt,
        live: bool,
    ) -> Result<Answer, RunError> {
        let speaker = live.then(|| self.runner.live.speak(&self.stream(), begun.at));
        let mut mouth = Mouth::new(speaker);
        let mut events = self.runner.models.stream(&self.route, &self.secrets, prompt);
        loop {
            let due = self.sign_of_life();
            tokio::select! {
                biased;
                stop = self.signal.hard() => return Ok(Answer::Stopped(stop, mouth.said)),
                () = sleep_until(due) => self.renew().await?,
                () = sleep_until(mouth.due()) => mouth.flush(),
                event = events.next() => match event {
                    Some(Ok(ModelEvent::Text(text))) => mouth.say(Voice::Text, &text),
                    Some(Ok(ModelEvent::Reasoning(text))) => mouth.say(Voice::Reasoning, &text),
                    Some(Ok(ModelEvent::Done(turn))) => {
                        mouth.flush();
                        return Ok(Answer::Whole(turn));
                    }
                    Some(Err(error)) => return Ok(Answer::Broken(error)),
                    None => {
                        let message = "the model's stream ended without an answer";
                        let error = ModelError::new(ModelErrorKind::Malformed, message);
                        return Ok(Answer::Broken(error));
                    }
                },
            }
        }
    }

    /// Commits the turn, and with it the intents of the tools that it asks for.
    async fn heard(&mut self, begun: Begun, turn: TurnResult) -> Result<Went, RunError> {
        self.broken = 0;
        self.filled = turn.usage.prompt().saturating_add(turn.usage.output);
        let mut entries = vec![self.outcome(begun, &turn).await?];
        self.conversation.said(begun.step, Purpose::Turn, &turn, &self.input);
        if !is_cut_off(turn.finish) && !turn.tool_calls.is_empty() {
            entries.extend(self.tool_intents(begun.step, &turn.tool_calls).await?);
        }
        self.report(entries).await?;
        Ok(Went::On)
    }

    /// The outcome of a call that was not made.
    pub(super) async fn not_made(&mut self, begun: Begun, why: NotMade) -> Result<Went, RunError> {
        match why {
            NotMade::Stopped(stop) => {
                let (code, message) = super::finish::words(&stop);
                Ok(Went::Stopped(stop, vec![unmade(begun, code, message)]))
            }
            NotMade::Unaffordable(message) => {
                let code = "session_limit_exceeded";
                self.report(vec![unmade(begun, code, message.clone())]).await?;
                let output = self.conversation.last_words().unwrap_or_default().to_owned();
                Ok(Went::Over(Verdict::Failed { code, message, output }))
            }
        }
    }

    /// The outcome of a call that came to its end.
    pub(super) async fn outcome(&self, begun: Begun, turn: &TurnResult) -> Result<Entry, RunError> {
        let json = serde_json::to_vec(turn).map_err(|error| {
            theazo_commands::CommandError::Unavailable(format!("a turn is no JSON: {error}"))
        })?;
        Ok(Entry::ModelCallCompleted {
            step: begun.step,
            turn: self.seal(TaskPart::Turn { step: begun.step }, &json).await?,
            finish: finish_name(turn.finish).to_owned(),
            usage: self.usage(begun.step, turn.leg, &turn.model, turn.usage, turn.charged).await?,
            duration_ms: turn.total_ms,
        })
    }

    /// A call that broke off: told to the log, and made again where that may help.
    pub(super) async fn broke(
        &mut self,
        begun: Begun,
        prompt: &Prompt,
        error: &ModelError,
    ) -> Result<Went, RunError> {
        let usage = match error.usage {
            Some(tokens) => {
                let route = self.route.leg(error.leg);
                let model = route.model.clone();
                Some(self.usage(begun.step, error.leg, &model, tokens, None).await?)
            }
            None => None,
        };
        let failure = Failure { code: "provider_error".to_owned(), message: error.message.clone() };
        let entry = Entry::ModelCallFailed { step: begun.step, failure, usage };
        self.report(vec![entry]).await?;
        self.broken += 1;
        let fits_no_more = error.kind == ModelErrorKind::ContextFull && prompt.turns.len() > 1;
        if fits_no_more && self.broken <= MAX_BROKEN {
            self.filled = u64::MAX;
            return Ok(Went::On);
        }
        let takes_long = error.retry_after.is_some_and(|wait| wait > MAX_WAIT);
        if !error.kind.is_transient() || takes_long || self.broken > MAX_BROKEN {
            return Ok(Went::Over(self.gave_up(error)));
        }
        let wait = error.retry_after.unwrap_or(FIRST_WAIT * 2u32.pow(self.broken - 1));
        let until = Instant::now() + wait;
        loop {
            let due = self.sign_of_life();
            tokio::select! {
                stop = self.signal.hard() => return Ok(Went::Stopped(stop, vec![])),
                () = sleep_until(due) => self.renew().await?,
                () = sleep_until(until) => return Ok(Went::On),
            }
        }
    }

    fn gave_up(&self, error: &ModelError) -> Verdict {
        let again = match self.broken {
            1 => String::new(),
            n => format!(" (the last of {n} calls that broke off)"),
        };
        let leg = self.route.leg(error.leg);
        let (vendor, model) = (&leg.vendor, &leg.model);
        let who = match error.status {
            Some(status) => format!("{vendor} answered {status} to a call of {model}"),
            None => format!("{vendor} did not answer a call of {model}"),
        };
        Verdict::Failed {
            code: "provider_error",
            message: format!("{who}: {}{again}", error.message),
            output: self.conversation.last_words().unwrap_or_default().to_owned(),
        }
    }

    /// A call that was stopped while it went on: the vendor bills what it had read and written.
    pub(super) fn stopped_call(
        &self,
        begun: Begun,
        prompt: &Prompt,
        stop: &Stop,
        said: &str,
    ) -> Entry {
        let tokens = TokenUsage {
            input: estimate_prompt(prompt),
            output: estimate_tokens(said),
            estimated: true,
            ..TokenUsage::default()
        };
        let (code, message) = super::finish::words(stop);
        Entry::ModelCallFailed {
            step: begun.step,
            failure: Failure { code: code.to_owned(), message },
            usage: self.usage_now(begun.step, 0, &self.route.model, tokens, None),
        }
    }
}

/// The outcome of a call that was to be made, and was not.
pub(super) fn unmade(begun: Begun, code: &str, message: String) -> Entry {
    let failure = Failure { code: code.to_owned(), message };
    Entry::ModelCallFailed { step: begun.step, failure, usage: None }
}

const fn finish_name(finish: Finish) -> &'static str {
    match finish {
        Finish::End => "end",
        Finish::Tools => "tools",
        Finish::Length => "length",
        Finish::Refusal => "refusal",
        Finish::Filter => "filter",
        Finish::Pause => "pause",
        Finish::ContextFull => "context_full",
    }
}

/// Gathers deltas, so that a fast model does not wake every listener for each token.
struct Mouth {
    speaker: Option<Speaker>,
    held: String,
    voice: Voice,
    flushed_at: Option<Instant>,
    /// All of it: what a call that is stopped is billed by.
    said: String,
}

impl Mouth {
    fn new(speaker: Option<Speaker>) -> Self {
        Self {
            speaker,
            held: String::new(),
            voice: Voice::Text,
            flushed_at: None,
            said: String::new(),
        }
    }

    fn say(&mut self, voice: Voice, text: &str) {
        if voice != self.voice {
            self.flush();
            self.voice = voice;
        }
        self.held.push_str(text);
        self.said.push_str(text);
        let due = self.flushed_at.is_none_or(|at| at.elapsed() >= COALESCE);
        if due || self.held.len() >= COALESCE_BYTES {
            self.flush();
        }
    }

    /// When what is held is to be handed on: far away when nothing is.
    fn due(&self) -> Instant {
        match self.flushed_at {
            Some(at) if !self.held.is_empty() => at + COALESCE,
            _ => Instant::now() + Duration::from_secs(3_600),
        }
    }

    fn flush(&mut self) {
        if let Some(speaker) = &self.speaker {
            speaker.say(self.voice, &self.held);
        }
        self.held.clear();
        self.flushed_at = Some(Instant::now());
    }
}
