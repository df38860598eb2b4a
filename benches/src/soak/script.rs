//! What the mock model is told to do, and what must come of it.

use std::fmt::Write;

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Tokens that each turn reports.
const TOKENS: (u64, u64) = (100, 10);

/// A task's input, and what it must come to.
#[derive(Debug, Clone)]
pub struct Script {
    pub text: String,
    pub output: String,
    /// Name and input of each call, in order.
    pub calls: Vec<(String, Value)>,
    pub turns: u64,
}

impl Script {
    pub fn random(chance: &mut StdRng) -> Self {
        let turns = chance.random_range(1..=5u64);
        let (input, output) = TOKENS;
        let slow = chance.random_range(0..40);
        let mut text = format!("@usage {input} {output}\n@slow {slow}\n");
        let mut calls = Vec::new();
        for turn in 1..turns {
            if chance.random_bool(0.3) {
                text.push_str("@think of this and that\n");
            }
            if chance.random_bool(0.5) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "@say turn {turn} has some words to say");
            }
            for call in 0..chance.random_range(1..=3) {
                let (name, input) = match chance.random_range(0..3) {
                    0 => {
                        let content = format!("{turn} {call}");
                        let path = format!("f{call}.txt");
                        ("write_file", json!({ "path": path, "content": content }))
                    }
                    1 => ("list_files", json!({})),
                    _ => ("report_progress", json!({ "progress": turn as f64 / 10.0 })),
                };
                let _ = writeln!(text, "@tool {name} {input}");
                calls.push((name.to_owned(), input));
            }
            text.push_str("@then\n");
        }
        let output = format!("the end of {turns} turns and {} calls", calls.len());
        let _ = writeln!(text, "@say {output}");
        Self { text, output, calls, turns }
    }

    /// What of a completed task is not as it must be.
    pub fn wrong(&self, task: &Value) -> Option<String> {
        let empty = Vec::new();
        let calls: Vec<(String, Value)> = task["toolCalls"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .map(|call| {
                (call["name"].as_str().unwrap_or_default().to_owned(), call["input"].clone())
            })
            .collect();
        let usage = &task["usage"];
        let tokens = (usage["inputTokens"].as_u64(), usage["outputTokens"].as_u64());
        let billed = (Some(TOKENS.0 * self.turns), Some(TOKENS.1 * self.turns));
        let output = task["output"].as_str();
        if output != Some(&self.output) {
            return Some(format!("its output is {output:?}, and must be {:?}", self.output));
        }
        if calls != self.calls {
            return Some(format!("its calls are {calls:?}, and must be {:?}", self.calls));
        }
        (tokens != billed).then(|| format!("billed {tokens:?}, and must be {billed:?}"))
    }
}
