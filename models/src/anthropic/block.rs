//! A content block that arrives in pieces and goes back as if it had come whole.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::codec::object_or_empty;

/// The fields of a block in the vendor's order. What no delta touches keeps its bytes.
#[derive(Debug, Default)]
pub struct Block {
    fields: Vec<(String, Box<RawValue>)>,
    /// Fields that are being written, and what was written so far.
    written: Vec<(&'static str, String)>,
    citations: Vec<Box<RawValue>>,
    /// JSON text of `input`, in pieces.
    input: Option<String>,
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Block;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a content block")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Block, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Block { fields, ..Block::default() })
            }
        }
        d.deserialize_map(Fields)
    }
}

impl Block {
    /// The text of a field; empty when there is none.
    pub fn text(&self, name: &str) -> String {
        let written = self.written.iter().find(|(field, _)| *field == name);
        written.map_or_else(|| self.initial(name), |(_, text)| text.clone())
    }

    pub fn is(&self, kind: &str) -> bool {
        self.initial("type") == kind
    }

    /// Adds to the text of a field.
    pub fn append(&mut self, name: &'static str, more: &str) {
        self.writing(name).push_str(more);
    }

    pub fn replace(&mut self, name: &'static str, text: &str) {
        text.clone_into(self.writing(name));
    }

    pub fn append_input(&mut self, json: &str) {
        self.input.get_or_insert_default().push_str(json);
    }

    pub fn cite(&mut self, citation: Box<RawValue>) {
        self.citations.push(citation);
    }

    /// The input of a tool as the model wrote it.
    pub fn input(&self) -> String {
        match self.input.as_deref().map(str::trim) {
            Some(input) if !input.is_empty() => input.to_owned(),
            _ => self.field("input").map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
        }
    }

    /// The whole block.
    pub fn raw(&self) -> serde_json::Result<Box<RawValue>> {
        let mut parts: Vec<String> = Vec::with_capacity(self.fields.len() + 1);
        let mut put = |name: &str, value: &RawValue| -> serde_json::Result<()> {
            parts.push(format!("{}:{}", serde_json::to_string(name)?, value.get()));
            Ok(())
        };
        let citations = match self.citations.is_empty() {
            true => None,
            false => Some(to_raw_value(&self.citations)?),
        };
        for (name, value) in &self.fields {
            let written = self.written.iter().find(|(field, _)| field == name);
            match (written, name.as_str()) {
                (Some((_, text)), _) => put(name, &to_raw_value(text)?)?,
                (None, "input") if self.input.is_some() => {
                    put(name, &object_or_empty(&self.input()))?;
                }
                (None, "citations") => put(name, citations.as_deref().unwrap_or(value))?,
                (None, _) => put(name, value)?,
            }
        }
        // What the block did not begin with.
        for (name, text) in &self.written {
            if self.field(name).is_none() {
                put(name, &to_raw_value(text)?)?;
            }
        }
        if self.input.is_some() && self.field("input").is_none() {
            put("input", &object_or_empty(&self.input()))?;
        }
        if let (Some(citations), None) = (&citations, self.field("citations")) {
            put("citations", citations)?;
        }
        RawValue::from_string(format!("{{{}}}", parts.join(",")))
    }

    fn field(&self, name: &str) -> Option<&RawValue> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    fn initial(&self, name: &str) -> String {
        let raw = self.field(name).map(RawValue::get);
        raw.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    fn writing(&mut self, name: &'static str) -> &mut String {
        let index = self.written.iter().position(|(field, _)| *field == name);
        let index = index.unwrap_or_else(|| {
            self.written.push((name, self.initial(name)));
            self.written.len() - 1
        });
        &mut self.written[index].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(json: &str) -> Block {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn order_and_unknown_fields_are_kept() {
        let json = r#"{"type":"thinking","z":{"b":1.0, "a":[1e3]},"thinking":"","signature":""}"#;
        let mut b = block(json);
        assert_eq!(b.raw().unwrap().get(), json);
        b.append("thinking", "he\"y");
        b.append("thinking", " é");
        b.replace("signature", "Eq+/=");
        let whole = r#"{"type":"thinking","z":{"b":1.0, "a":[1e3]},"thinking":"he\"y é","signature":"Eq+/="}"#;
        assert_eq!(b.raw().unwrap().get(), whole);
    }

    #[test]
    fn input_keeps_its_bytes() {
        let mut b = block(r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#);
        assert_eq!(b.input(), "{}");
        b.append_input("");
        assert_eq!(b.raw().unwrap().get(), r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#);
        b.append_input("{\"b\": 1.50,");
        b.append_input(" \"a\": \"\\u00e9\"}");
        assert_eq!(b.input(), r#"{"b": 1.50, "a": "\u00e9"}"#);
        let whole = r#"{"type":"tool_use","id":"t","name":"n","input":{"b": 1.50, "a": "\u00e9"}}"#;
        assert_eq!(b.raw().unwrap().get(), whole);
    }

    #[test]
    fn broken_input_is_told_but_not_sent_back() {
        let mut b = block(r#"{"type":"tool_use","id":"t","name":"n"}"#);
        b.append_input("{\"a\": ");
        assert_eq!(b.input(), "{\"a\":");
        assert_eq!(b.raw().unwrap().get(), r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#);
    }

    #[test]
    fn a_whole_input_at_the_start_and_citations() {
        let b = block(r#"{"type":"tool_use","input":{"a":1}}"#);
        assert_eq!(b.input(), r#"{"a":1}"#);
        let mut b = block(r#"{"citations":null,"type":"text","text":"x"}"#);
        b.cite(RawValue::from_string(r#"{"url": "u"}"#.to_owned()).unwrap());
        let whole = r#"{"citations":[{"url": "u"}],"type":"text","text":"x"}"#;
        assert_eq!(b.raw().unwrap().get(), whole);
    }
}
