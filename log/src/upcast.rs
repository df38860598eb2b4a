//! Old event versions become the newest when they are read; what is stored is never rewritten.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use theazo_domain::{DecodeError, Event};

/// Turns the `data` of one version into that of the next; an error says what is wrong with it.
pub type Upcast = Arc<dyn Fn(Value) -> Result<Value, String> + Send + Sync>;

/// The steps from each old event type (`session.created`) to its successor
/// (`session.created.v2`). Steps chain, so each version needs only the one to the next.
#[derive(Clone, Default)]
pub struct Upcasters {
    steps: HashMap<String, (String, Upcast)>,
}

/// Why a stored event cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum UpcastError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("`{event_type}` cannot become its next version: {reason}")]
    Step { event_type: String, reason: String },
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    event_type: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct Parsed {
    data: Value,
}

impl Upcasters {
    /// Adds the step from `from` to `to`.
    ///
    /// # Panics
    /// When `from` has a step already, or the new one closes a circle: the table is part of the
    /// program, and either is a mistake in it.
    pub fn step(
        mut self,
        from: &str,
        to: &str,
        upcast: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        let mut next = Some(to);
        while let Some(name) = next {
            assert!(name != from, "the upcasts of `{from}` go in a circle");
            next = self.steps.get(name).map(|(to, _)| to.as_str());
        }
        let earlier = self.steps.insert(from.to_owned(), (to.to_owned(), Arc::new(upcast)));
        assert!(earlier.is_none(), "`{from}` has an upcast already");
        self
    }

    /// The event in `stored` (`{ "type", "data" }`), in its newest version.
    pub fn decode(&self, stored: &RawValue) -> Result<Event, UpcastError> {
        if self.steps.is_empty() {
            return Ok(Event::decode(stored.get())?);
        }
        let tag: Tag = serde_json::from_str(stored.get()).map_err(DecodeError::from)?;
        if !self.steps.contains_key(tag.event_type.as_ref()) {
            return Ok(Event::decode(stored.get())?);
        }
        let parsed: Parsed = serde_json::from_str(stored.get()).map_err(DecodeError::from)?;
        let mut event_type = tag.event_type.into_owned();
        let mut data = parsed.data;
        while let Some((next, upcast)) = self.steps.get(&event_type) {
            data = upcast(data).map_err(|reason| UpcastError::Step { event_type, reason })?;
            event_type = next.clone();
        }
        let newest = serde_json::json!({ "type": event_type, "data": data });
        Ok(Event::decode(&newest.to_string())?)
    }
}

impl fmt::Debug for Upcasters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.steps.iter().map(|(from, (to, _))| (from, to))).finish()
    }
}
