//! Events as a wire format: `{ "type": "session.created", "data": { … } }`.
//!
//! A type's name carries its version: the first is bare, later ones end in `.v2`, `.v3`, … What was
//! once written is read for ever; `theazo-log` upcasts old versions before they are decoded here.
//! `tests/golden/<type>.json` holds one of each, and a test fails when a shape changes.

use serde::{Deserialize, Serialize, Serializer};

/// Declares the events of one aggregate: an enum whose variants are tagged by their wire type.
macro_rules! events {
    ($(#[$meta:meta])* $name:ident {
        $( $(#[$vmeta:meta])* $variant:ident = $type:literal {
            $( $(#[$fmeta:meta])* $field:ident : $fty:ty, )*
        } )*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
        pub enum $name {
            $( $(#[$vmeta])* #[serde(rename = $type)] $variant {
                $( $(#[$fmeta])* $field: $fty, )*
            }, )*
        }

        impl $name {
            /// Every wire type of this aggregate, in order of declaration.
            pub const TYPES: &'static [&'static str] = &[$($type,)*];

            /// The wire type of this event.
            pub const fn event_type(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $type,)* }
            }
        }
    };
}
pub(crate) use events;

/// The wire type of an event and the aggregate it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    pub kind: crate::Kind,
    pub name: &'static str,
}

/// A stored event that this build cannot read: it fails closed.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the event type `{0}` is not known to this version; start a newer one")]
    UnknownType(String),
    #[error("a stored event does not have the shape of its type")]
    Shape(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    name: std::borrow::Cow<'a, str>,
}

macro_rules! all_events {
    ($($variant:ident($module:ident::$event:ident),)*) => {
        /// Any event of the platform.
        #[expect(
            clippy::large_enum_variant,
            reason = "the large one, a model call with its price, is the most frequent one too"
        )]
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event { $($variant(crate::$module::$event),)* }

        /// Every event type there is: what the golden files and `docs/EVENTS.md` must cover.
        pub const CATALOGUE: &[(crate::Kind, &[&str])] =
            &[$((crate::Kind::$variant, crate::$module::$event::TYPES),)*];

        impl Event {
            pub const fn event_type(&self) -> EventType {
                match self {
                    $(Event::$variant(e) =>
                        EventType { kind: crate::Kind::$variant, name: e.event_type() },)*
                }
            }

            /// Reads one event from its JSON text.
            pub fn decode(json: &str) -> Result<Self, DecodeError> {
                let name = serde_json::from_str::<Tag>(json)?.name;
                $(if crate::$module::$event::TYPES.contains(&name.as_ref()) {
                    return Ok(Event::$variant(serde_json::from_str(json)?));
                })*
                Err(DecodeError::UnknownType(name.into_owned()))
            }
        }

        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self { $(Event::$variant(e) => e.serialize(s),)* }
            }
        }

        $(impl From<crate::$module::$event> for Event {
            fn from(event: crate::$module::$event) -> Self { Event::$variant(event) }
        })*
    };
}

all_events! {
    Org(org::OrgEvent),
    ApiKey(api_key::ApiKeyEvent),
    Session(session::SessionEvent),
    Agent(agent::AgentEvent),
    Execution(execution::ExecutionEvent),
    FileOperation(file_operation::FileOperationEvent),
    Snapshot(snapshot::SnapshotEvent),
    Secret(secret::SecretEvent),
    Settings(settings::SettingsEvent),
    Providers(providers::ProvidersEvent),
    Task(task::TaskEvent),
    Definition(definition::DefinitionEvent),
    Delivery(delivery::DeliveryEvent),
    Export(export::ExportEvent),
    ModelPrices(model_prices::ModelPricesEvent),
}
