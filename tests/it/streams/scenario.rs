//! A run whose model says one word after the other, each held back by a gate.

use serde_json::json;
use theazo_tests::model_server::{Gate, Reply, Script};

use super::story::Story;

/// Words of one model call: half of them are thought, the other half said.
const WORDS: usize = 10;

/// Model calls with a tool call after each but the last.
pub struct Scenario {
    turns: Vec<Vec<String>>,
    /// Gate `g` of a turn holds back word `g + 1` and all that comes after it.
    gates: Vec<Vec<Gate>>,
}

/// A gate that the model waits at, and what has been said before it.
pub struct Stage<'a> {
    pub gate: &'a Gate,
    turn: usize,
    said: String,
}

impl Scenario {
    pub fn new(turns: usize) -> Self {
        // All of the same number of characters, so that each is a chunk; not of bytes.
        let word = |turn: usize, n: usize| format!("<{turn:02}.{n:02}{}>", ["é", "…", "𝄞"][n % 3]);
        let words = |turn| (0..WORDS).map(|n| word(turn, n)).collect();
        let gates = |_| (1..WORDS).map(|_| Gate::new()).collect();
        Self { turns: (0..turns).map(words).collect(), gates: (0..turns).map(gates).collect() }
    }

    pub fn script(&self) -> Script {
        Script::by_turn((0..self.turns.len()).map(|turn| self.reply(turn)))
    }

    fn reply(&self, turn: usize) -> Reply {
        let (thought, said) = self.turns[turn].split_at(WORDS / 2);
        let mut reply = Reply::text(said.concat()).thinking(thought.concat()).chunked(WORDS / 2);
        for (n, gate) in self.gates[turn].iter().enumerate() {
            reply = reply.gated_at(n + 1, gate);
        }
        if turn + 1 == self.turns.len() {
            return reply;
        }
        match turn % 3 {
            0 => reply.tool_call("report_progress", json!({ "progress": 0.5, "message": "on" })),
            1 => reply
                .tool_call("write_file", json!({ "path": "a.txt", "content": "one\ntwo\n" }))
                .tool_call("no_such_tool", json!({ "n": turn })),
            _ => reply.tool_call("list_files", json!({ "path": "." })),
        }
    }

    /// Every gate, in order.
    pub fn stages(&self) -> impl Iterator<Item = Stage<'_>> {
        self.gates.iter().enumerate().flat_map(move |(turn, gates)| {
            gates.iter().enumerate().map(move |(n, gate)| {
                let said = self.turns[turn][..=n].concat();
                Stage { gate, turn, said }
            })
        })
    }

    /// What the model will have said and thought, call by call.
    pub fn said(&self) -> Vec<String> {
        self.turns.iter().map(|words| words.concat()).collect()
    }
}

impl Stage<'_> {
    /// Whether a client has been told all that there is to be told before the gate.
    pub fn is_reached(&self, story: &Story) -> bool {
        story.said().get(self.turn).is_some_and(|said| *said == self.said)
    }
}
