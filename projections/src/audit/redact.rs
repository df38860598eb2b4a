//! An event's data as the audit shows it: without ciphertexts and hashes.
//!
//! They are left out while the event is written, by the name of the type that holds them, and not
//! by the names of fields in the result: an event that gets a [`Sealed`](theazo_domain::Sealed)
//! anywhere is covered, and AgentCo's own metadata is never touched.

use std::fmt::Display;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use theazo_domain::Event;

/// The JSON of the event's data.
pub(super) fn data(event: &Event) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(256);
    event.serialize(Redacting(&mut serde_json::Serializer::new(&mut text)))?;
    let mut text = String::from_utf8(text).map_err(serde::ser::Error::custom)?;
    // `{"type":"…","data":` … `}`
    let start = r#"{"type":"","data":"#.len() + event.event_type().name.len();
    if !text.get(..start).is_some_and(|head| head.ends_with(r#"","data":"#)) {
        return Err(serde::ser::Error::custom("an event is not written as its type and its data"));
    }
    text.pop();
    text.drain(..start);
    Ok(text)
}

/// The JSON of `value`, an aggregate's state, without ciphertexts and hashes.
pub fn redacted<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(256);
    value.serialize(Redacting(&mut serde_json::Serializer::new(&mut text)))?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// Whether a field is left out.
fn is_hidden(holder: &str, field: &str) -> bool {
    field == "sha256" || (holder == "Sealed" && field == "data")
}

/// A serializer, or a part of one, that leaves the hidden fields out.
struct Redacting<S>(S);

/// The same for a struct's fields, with the name of its type.
struct RedactingFields<S> {
    inner: S,
    holder: &'static str,
}

/// A value that is written through [`Redacting`].
struct Through<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for Through<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Redacting(serializer))
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> { self.0.$method(value) }
    )*};
}

impl<S: Serializer> Serializer for Redacting<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Redacting<S::SerializeSeq>;
    type SerializeTuple = Redacting<S::SerializeTuple>;
    type SerializeTupleStruct = Redacting<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Redacting<S::SerializeTupleVariant>;
    type SerializeMap = Redacting<S::SerializeMap>;
    type SerializeStruct = RedactingFields<S::SerializeStruct>;
    type SerializeStructVariant = RedactingFields<S::SerializeStructVariant>;

    plain! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8],
        serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Through(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Through(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Through(value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(len).map(Redacting)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(len).map(Redacting)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, len).map(Redacting)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, len).map(Redacting)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.0.serialize_map(len).map(Redacting)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let inner = self.0.serialize_struct(name, len)?;
        Ok(RedactingFields { inner, holder: name })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let inner = self.0.serialize_struct_variant(name, index, variant, len)?;
        Ok(RedactingFields { inner, holder: name })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident,)*) => {$(
        impl<S: $trait> $trait for Redacting<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.0.$method(&Through(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> { self.0.end() }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

impl<S: SerializeMap> SerializeMap for Redacting<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Through(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

macro_rules! fields {
    ($($trait:ident,)*) => {$(
        impl<S: $trait> $trait for RedactingFields<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                if is_hidden(self.holder, key) {
                    return self.inner.skip_field(key);
                }
                self.inner.serialize_field(key, &Through(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> { self.inner.end() }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant, }

#[cfg(test)]
mod tests {
    use theazo_domain::execution::ExecutionEvent;
    use theazo_domain::secret::SecretEvent;
    use theazo_domain::session::SessionEvent;
    use theazo_domain::{Payload, Sealed};

    use super::*;

    fn sealed() -> Sealed {
        Sealed { key: "org#1".to_owned(), data: "CIPHERTEXT".to_owned() }
    }

    #[test]
    fn a_ciphertext_is_left_out_wherever_it_is() {
        let set = SecretEvent::Set {
            name: "A".to_owned(),
            session_id: None,
            version: 1,
            value: sealed(),
        };
        assert_eq!(
            data(&set.into()).unwrap(),
            r#"{"name":"A","version":1,"value":{"key":"org#1"}}"#
        );

        let completed = ExecutionEvent::Completed {
            session_id: "ses_00000000000000000000000007".parse().unwrap(),
            agent_id: "agt_00000000000000000000000007".parse().unwrap(),
            exit_code: 1,
            duration_ms: 2,
            stdout: Payload::Inline { sealed: sealed() },
            stderr: Payload::Blob {
                key: "k".to_owned(),
                blob: "b".to_owned(),
                sha256: "HASH".to_owned(),
                size: 3,
            },
            truncated: false,
        };
        assert_eq!(
            data(&completed.into()).unwrap(),
            r#"{"sessionId":"ses_00000000000000000000000007","agentId":"agt_00000000000000000000000007","exitCode":1,"durationMs":2,"stdout":{"at":"inline","sealed":{"key":"org#1"}},"stderr":{"at":"blob","key":"k","blob":"b","size":3},"truncated":false}"#
        );
    }

    #[test]
    fn an_event_without_fields_has_empty_data() {
        assert_eq!(data(&SessionEvent::Ended {}.into()).unwrap(), "{}");
    }
}
