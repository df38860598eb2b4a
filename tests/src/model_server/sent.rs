//! What the model has said, to hold against it what comes back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::ids::fingerprint;
use super::request::Wire;

/// A content block (Anthropic), an item (Responses) or a part of an assistant message (Chat), by
/// its fields. The values are JSON text as it was written, but strings are in one form of escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub fields: BTreeMap<String, String>,
    /// Fields that may be left out when it comes back, or hold anything.
    pub free: Vec<&'static str>,
}

impl Block {
    pub fn new() -> Self {
        Self::default()
    }

    /// A field with a string.
    pub fn text(self, name: &str, value: &str) -> Self {
        let text = serde_json::to_string(value).expect("a string is JSON");
        self.json(name, &text)
    }

    /// A field with JSON text.
    pub fn json(mut self, name: &str, text: &str) -> Self {
        self.fields.insert(name.to_owned(), one_form(text));
        self
    }

    pub fn free(mut self, names: &[&'static str]) -> Self {
        self.free.extend(names);
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// What makes it known again: its kind and the field that tells it from others of its kind.
    fn name(&self) -> u64 {
        let kind = self.get("type").and_then(|kind| serde_json::from_str(kind).ok());
        let telling = match kind.unwrap_or("") {
            "thinking" => "signature",
            "redacted_thinking" => "data",
            "reasoning" => "encrypted_content",
            "tool_use" => "id",
            "function_call" => "call_id",
            // In Chat Completions a client may have to make the id itself.
            "function" => "name",
            _ => "text",
        };
        fingerprint((self.get("type"), self.get(telling)))
    }

    /// How what came back differs from this; nothing when it does not.
    fn differences(&self, came: &Self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, value) in &self.fields {
            if self.free.contains(&name.as_str()) {
                continue;
            }
            match came.get(name) {
                None => wrong.push(format!("`{name}` is missing")),
                Some(other) if other != value => {
                    wrong.push(format!("`{name}` was {value} and came back as {other}"));
                }
                Some(_) => {}
            }
        }
        for (name, value) in &came.fields {
            if !self.fields.contains_key(name) && !self.free.contains(&name.as_str()) {
                wrong.push(format!("`{name}` = {value} was added"));
            }
        }
        wrong
    }
}

/// A string with its escapes as `serde_json` writes them; anything else as it is.
fn one_form(text: &str) -> String {
    match serde_json::from_str::<&str>(text)
        .map(str::to_owned)
        .or_else(|_| serde_json::from_str::<String>(text))
    {
        Ok(string) => serde_json::to_string(&string).expect("a string is JSON"),
        Err(_) => text.trim().to_owned(),
    }
}

/// One whole turn that was sent.
#[derive(Debug, Clone)]
struct SentTurn {
    blocks: Vec<Block>,
    /// Anthropic's `pause_turn`: it may come back as the last of a conversation.
    paused: bool,
}

/// All turns that were sent, in the order in which they first were.
#[derive(Debug, Default)]
pub(super) struct Sent {
    turns: Vec<SentTurn>,
    /// Turns by their format and first block.
    by_first: HashMap<(Wire, u64), Vec<usize>>,
    by_block: HashMap<(Wire, u64), Vec<usize>>,
    known: HashSet<u64>,
    /// Conversations with raw replies: nobody knows what is in them.
    opaque: HashSet<u64>,
}

impl Sent {
    pub fn remember(&mut self, wire: Wire, call: u64, blocks: Vec<Block>, paused: bool) {
        let Some(first) = blocks.first().map(Block::name) else { return };
        if !self.known.insert(fingerprint((wire, call, &blocks))) {
            return;
        }
        let index = self.turns.len();
        self.by_first.entry((wire, first)).or_default().push(index);
        for block in &blocks {
            self.by_block.entry((wire, block.name())).or_default().push(index);
        }
        self.turns.push(SentTurn { blocks, paused });
    }

    pub fn remember_opaque(&mut self, conversation: u64) {
        self.opaque.insert(conversation);
    }

    pub fn is_opaque(&self, conversation: u64) -> bool {
        self.opaque.contains(&conversation)
    }

    /// Holds the model's part of a conversation (each element a turn, or paused turns in a row)
    /// against what was sent. Gives what is wrong, and of each element whether it was paused.
    pub fn check(&self, wire: Wire, came: &[Vec<Block>]) -> (Vec<String>, Vec<bool>) {
        let (mut wrong, mut all_paused) = (Vec::new(), Vec::new());
        let mut earliest = 0;
        for (n, turn) in came.iter().enumerate() {
            let mut rest = turn.as_slice();
            let mut paused = false;
            while !rest.is_empty() {
                let Some((index, sent)) = self.beginning(wire, rest, earliest) else {
                    wrong.push(format!("answer {n} of the model: {}", self.explain(wire, rest)));
                    break;
                };
                paused = sent.paused;
                earliest = index + 1;
                rest = &rest[sent.blocks.len()..];
            }
            all_paused.push(paused);
        }
        (wrong, all_paused)
    }

    /// The longest turn that these blocks begin with, of those that were sent after what came before
    /// them; of equal ones the first, so that the others are left for later turns.
    fn beginning(
        &self,
        wire: Wire,
        blocks: &[Block],
        earliest: usize,
    ) -> Option<(usize, &SentTurn)> {
        let candidates = self.by_first.get(&(wire, blocks[0].name()))?;
        let turns = candidates.iter().map(|index| (*index, &self.turns[*index]));
        let fits = |(index, turn): &(usize, &SentTurn)| {
            *index >= earliest
                && turn.blocks.len() <= blocks.len()
                && turn.blocks.iter().zip(blocks).all(|(a, b)| a.differences(b).is_empty())
        };
        turns.filter(fits).max_by_key(|(index, turn)| (turn.blocks.len(), Reverse(*index)))
    }

    /// How these blocks differ from the turn that is most like them.
    fn explain(&self, wire: Wire, came: &[Block]) -> String {
        let similar = came.iter().filter_map(|block| self.by_block.get(&(wire, block.name())));
        let similar = similar.flatten().map(|index| differences(&self.turns[*index].blocks, came));
        let Some(wrong) = similar.min_by_key(Vec::len) else {
            return format!("was never sent by it: {:?}", came[0].fields);
        };
        if wrong.is_empty() {
            return "comes back in another place or with more behind it".to_owned();
        }
        wrong.join("; ")
    }
}

fn differences(sent: &[Block], came: &[Block]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (n, block) in sent.iter().enumerate() {
        match came.get(n) {
            None => wrong.push(format!("block {n} is missing: {:?}", block.fields)),
            Some(other) => {
                let differences = block.differences(other);
                wrong.extend(differences.into_iter().map(|what| format!("block {n}: {what}")));
            }
        }
    }
    wrong
}
