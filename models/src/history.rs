//! What every vendor demands of a conversation before it looks at it.

use std::sync::Arc;

use crate::contract::{AssistantTurn, ToolResult, Turn};

/// What is said of a call that was never run.
const NOT_RUN: &str = "This call was not run.";

/// The turns, such that each call has its result in the turn after it, in the order of the calls.
/// Without that, every vendor refuses the conversation for ever; and a call may well be without a
/// result, when the answer was cut off or the run was stopped.
pub fn complete(turns: &[Arc<Turn>]) -> Vec<Turn> {
    let mut out: Vec<Turn> = Vec::with_capacity(turns.len());
    for turn in turns {
        let owed = match out.last() {
            Some(Turn::Assistant(asked)) if !asked.tool_calls.is_empty() => Some(asked),
            _ => None,
        };
        match (&**turn, owed) {
            (Turn::User { results, text }, Some(asked)) => {
                let results = results_for(asked, results);
                out.push(Turn::User { results, text: text.clone() });
            }
            (turn @ Turn::User { .. }, None) => out.push(turn.clone()),
            (Turn::Assistant(turn), owed) => {
                if let Some(asked) = owed {
                    let results = results_for(asked, &[]);
                    out.push(Turn::User { results, text: None });
                }
                out.push(Turn::Assistant(turn.clone()));
            }
        }
    }
    if let Some(Turn::Assistant(asked)) = out.last()
        && !asked.tool_calls.is_empty()
    {
        let results = results_for(asked, &[]);
        out.push(Turn::User { results, text: None });
    }
    out
}

fn results_for(asked: &AssistantTurn, results: &[ToolResult]) -> Vec<ToolResult> {
    let result = |call: &crate::ToolCall| {
        let given = results.iter().find(|result| result.call_id == call.id).cloned();
        given.unwrap_or_else(|| ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            output: NOT_RUN.to_owned(),
            is_error: true,
        })
    };
    asked.tool_calls.iter().map(result).collect()
}

/// An id that every vendor takes, the same for the same id: 1 to 64 of `a-zA-Z0-9_-`.
pub fn portable_id(id: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !id.is_empty() && id.len() <= 64 && id.chars().all(fits) {
        return id.to_owned();
    }
    // FNV-1a, so that ids which differ only in what is replaced still differ.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let readable: String = id.chars().map(|c| if fits(c) { c } else { '_' }).take(40).collect();
    format!("{readable}_{hash:016x}")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{ToolCall, Wire};

    fn asks(ids: &[&str]) -> Arc<Turn> {
        let call = |id: &&str| ToolCall {
            id: (*id).to_owned(),
            name: "t".to_owned(),
            arguments: "{}".to_owned(),
        };
        Arc::new(Turn::Assistant(AssistantTurn {
            wire: Wire::Mock,
            raw: RawValue::from_string("[]".to_owned()).unwrap(),
            text: String::new(),
            tool_calls: ids.iter().map(call).collect(),
        }))
    }

    fn answers(ids: &[&str]) -> Arc<Turn> {
        let result = |id: &&str| ToolResult {
            call_id: (*id).to_owned(),
            name: "t".to_owned(),
            output: "ok".to_owned(),
            is_error: false,
        };
        Arc::new(Turn::User { results: ids.iter().map(result).collect(), text: None })
    }

    fn shape(turns: &[Arc<Turn>]) -> Vec<String> {
        let shape = |turn: &Turn| match turn {
            Turn::User { results, .. } => results
                .iter()
                .map(|r| format!("{}{}", r.call_id, if r.is_error { "!" } else { "" }))
                .collect::<Vec<_>>()
                .join(" "),
            Turn::Assistant(_) => "?".to_owned(),
        };
        complete(turns).iter().map(shape).collect()
    }

    #[test]
    fn every_call_has_its_result() {
        assert_eq!(
            shape(&[answers(&[]), asks(&["a", "b"]), answers(&["b", "x"])]),
            ["", "?", "a! b"]
        );
        assert_eq!(shape(&[asks(&["a"]), asks(&["b"])]), ["?", "a!", "?", "b!"]);
        assert_eq!(shape(&[asks(&[]), asks(&[])]), ["?", "?"]);
    }

    #[test]
    fn ids_fit_everywhere() {
        assert_eq!(portable_id("toolu_01-A"), "toolu_01-A");
        let odd = portable_id("functions.bash:0");
        assert!(odd.starts_with("functions_bash_0_") && odd.len() <= 64);
        assert_ne!(odd, portable_id("functions.bash.0"));
        assert!(!portable_id("").is_empty());
        assert!(portable_id(&"é".repeat(500)).len() <= 64);
    }
}
