//! What is said: stretches of two voices, and places in them.

use serde::{Deserialize, Serialize};

/// Which voice a piece of live text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Voice {
    Text,
    Reasoning,
}

/// A stretch of one voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub voice: Voice,
    pub text: String,
}

/// What follows the first `offset` bytes of `pieces`. An offset within a character begins with
/// that character.
pub fn pieces_after<'p>(
    pieces: impl IntoIterator<Item = (Voice, &'p str)>,
    offset: usize,
) -> Vec<Piece> {
    let mut skip = offset;
    let mut rest = Vec::new();
    for (voice, text) in pieces {
        if skip >= text.len() {
            skip -= text.len();
            continue;
        }
        let from = text.floor_char_boundary(skip);
        skip = 0;
        rest.push(Piece { voice, text: text[from..].to_owned() });
    }
    rest
}

/// Where to cut `text` so that at most `limit` bytes are before it.
pub(super) fn cut(text: &str, limit: usize) -> usize {
    text.floor_char_boundary(limit)
}
