//! A conversation that outgrows the model's window is replaced by a summary of itself. The summary
//! is a step like any other: an intent, a model call, an outcome.

use std::sync::Arc;

use theazo_domain::task::Purpose;
use theazo_models::{Finish, Prompt, Turn};

use super::ask::Answer;
use super::conversation::Verdict;
use super::{Run, RunError, Went};

/// Thousandths of the window at which a conversation is summarised.
const FULL_AT: u64 = 850;
/// Tokens of a summary at most.
const SUMMARY_TOKENS: u32 = 4_000;
/// Characters of one tool's output that the summary is made from.
const OUTPUT_CHARS: usize = 2_000;

const INSTRUCTIONS: &str = "You are given the transcript of work that is under way, and you will \
    have to go on with it without the transcript. Write down everything that you need for that: \
    what the task is, what was done and found (with exact names, paths, numbers and sources), what \
    did not work, and what is still to be done. Write notes, not prose.";

impl Run {
    /// Whether the next call might not fit.
    pub(super) fn is_full(&self) -> bool {
        let window = u64::from(self.runner.models.limits(&self.route).context_window);
        // Before the first answer nothing is left out.
        let has_said = self.conversation.last_words().is_some() || self.task.tool_calls > 0;
        let filled = self.filled > window.saturating_mul(FULL_AT) / 1_000;
        self.begun.is_none() && (self.conversation.is_full() || has_said && filled)
    }

    /// Asks the model for a summary of all so far and goes on from that.
    pub(super) async fn summarise(&mut self) -> Result<Went, RunError> {
        let limits = self.runner.models.limits(&self.route);
        let begun = self.begin(Purpose::Summary).await?;
        // A token is some four characters: half of the window, to be on the safe side.
        let room = limits.context_window as usize * 2;
        let turns = self.conversation.turns();
        let text = middle_cut(&transcript(&turns), room);
        let mut prompt = Prompt {
            system: Some(INSTRUCTIONS.to_owned()),
            turns: vec![Arc::new(Turn::User { results: vec![], text: Some(text) })],
            tools: Arc::new([]),
            max_tokens: SUMMARY_TOKENS.min(limits.max_output),
            temperature: self.route.temperature,
            cache_key: None,
        };
        if let Err(why) = self.afford(&mut prompt).await? {
            return self.not_made(begun, why).await;
        }
        match self.call(begun, prompt.clone(), false).await? {
            Answer::Whole(turn) => {
                let outcome = self.outcome(begun, &turn).await?;
                self.report(vec![outcome]).await?;
                if turn.finish == Finish::Refusal || turn.text().is_empty() {
                    return Ok(Went::Over(no_summary()));
                }
                self.conversation.said(begun.step, Purpose::Summary, &turn, &self.input);
                self.filled = 0;
                self.broken = 0;
                Ok(Went::On)
            }
            Answer::Broken(error) => self.broke(begun, &prompt, &error).await,
            Answer::Stopped(stop, said) => {
                let entry = self.stopped_call(begun, &prompt, &stop, &said);
                Ok(Went::Stopped(stop, vec![entry]))
            }
        }
    }
}

fn no_summary() -> Verdict {
    Verdict::Failed {
        code: "context_full",
        message: "The conversation has outgrown the model's window, and the model made no summary \
                  of it; use a model with a larger window, or a smaller task."
            .to_owned(),
        output: String::new(),
    }
}

fn transcript(turns: &[Arc<Turn>]) -> String {
    let mut text = String::from("The transcript:\n");
    for turn in turns {
        match turn.as_ref() {
            Turn::User { results, text: said } => {
                for result in results {
                    let output = middle_cut(&result.output, OUTPUT_CHARS);
                    text.push_str(&format!("\n[{} answered]\n{output}\n", result.name));
                }
                if let Some(said) = said {
                    text.push_str(&format!("\n[user]\n{said}\n"));
                }
            }
            Turn::Assistant(turn) => {
                text.push_str(&format!("\n[you]\n{}\n", turn.text));
                for call in &turn.tool_calls {
                    let arguments = middle_cut(&call.arguments, OUTPUT_CHARS);
                    text.push_str(&format!("[you called {} with {arguments}]\n", call.name));
                }
            }
        }
    }
    text
}

/// At most `room` bytes of `text`: its beginning and its end.
fn middle_cut(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(room / 2);
    let tail = text.ceil_char_boundary(text.len() - room / 2);
    format!("{}\n[… {} bytes left out …]\n{}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_cut_between_characters() {
        assert_eq!(middle_cut("short", 10), "short");
        let cut = middle_cut(&"ä".repeat(100), 21);
        assert!(cut.starts_with("ää") && cut.ends_with("ää") && cut.contains("left out"));
    }
}
