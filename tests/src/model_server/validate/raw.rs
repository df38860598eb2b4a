//! Parts of a body in the characters in which they came.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model_server::sent::Block;

/// The fields of an object; nothing for anything else.
pub(super) fn fields(json: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The elements of an array; nothing for anything else.
pub(super) fn items(json: &str) -> Vec<&RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The text of a string; nothing for anything else.
pub(super) fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// A block with all its fields as they came.
pub(super) fn block(json: &str) -> Block {
    let fields = fields(json);
    fields.iter().fold(Block::new(), |block, (name, value)| block.json(name, value.get()))
}
