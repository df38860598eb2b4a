//! JSON with its keys in the order in which the vendors write them.

use std::fmt::Write;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An object that is being written: `Obj::new().put("type", "ping")`.
#[derive(Debug, Clone, Default)]
pub(super) struct Obj {
    fields: String,
}

impl Obj {
    pub fn new() -> Self {
        Self::default()
    }

    /// `{"type": kind}`
    pub fn of(kind: &str) -> Self {
        Self::new().put("type", kind)
    }

    pub fn put(self, key: &str, value: impl Serialize) -> Self {
        let text = serde_json::to_string(&value).expect("what is put is JSON");
        self.put_text(key, &text)
    }

    /// A value that is JSON already, as it is.
    pub fn put_text(mut self, key: &str, json: &str) -> Self {
        let comma = if self.fields.is_empty() { "" } else { "," };
        write!(self.fields, "{comma}{}:{json}", quoted(key)).expect("a string takes all");
        self
    }

    pub fn put_if(self, condition: bool, key: &str, value: impl Serialize) -> Self {
        if condition { self.put(key, value) } else { self }
    }

    pub fn null(self, key: &str) -> Self {
        self.put_text(key, "null")
    }

    pub fn text(&self) -> String {
        format!("{{{}}}", self.fields)
    }
}

impl Serialize for Obj {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.text()).serialize(serializer)
    }
}

/// Text that is JSON, to be put somewhere as it is.
pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it is JSON")
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

/// Whether this text is one JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok()
}
