//! Puts tool calls together from their deltas, whatever the sender thinks an index is.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::chunk::CallDelta;
use crate::codec::is_object;
use crate::contract::ToolCall;

/// More calls than any answer has.
const MAX_CALLS: usize = 1_000;

#[derive(Debug, Default)]
pub struct Calls {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    extra_content: Option<Box<RawValue>>,
}

/// A call, and what of it only the vendor understands.
pub struct WholeCall {
    pub call: ToolCall,
    pub extra_content: Option<Box<RawValue>>,
}

impl Calls {
    /// `false` when there are too many.
    pub fn add(&mut self, delta: CallDelta) -> bool {
        let CallDelta { index, id, function, extra_content } = delta;
        let id = id.unwrap_or_default();
        let (name, arguments) = match function {
            Some(f) => (f.name.unwrap_or_default(), arguments(f.arguments.as_deref())),
            None => (String::new(), String::new()),
        };
        let slot = self.slot(index, &id, &name, &arguments).unwrap_or_else(|| {
            self.slots.push(Slot { index, ..Slot::default() });
            self.slots.len() - 1
        });
        let slot = &mut self.slots[slot];
        if slot.id.is_empty() {
            slot.id = id;
        }
        if slot.name.is_empty() {
            slot.name = name;
        }
        slot.arguments.push_str(&arguments);
        slot.extra_content = extra_content.or(slot.extra_content.take());
        self.slots.len() <= MAX_CALLS
    }

    /// The call that a delta goes on with; `None` when it begins a new one.
    fn slot(&self, index: Option<u64>, id: &str, name: &str, arguments: &str) -> Option<usize> {
        let candidate = match index {
            Some(_) => self.slots.iter().rposition(|slot| slot.index == index),
            None if !id.is_empty() => self.slots.iter().rposition(|slot| slot.id == id),
            None => self.slots.len().checked_sub(1),
        }?;
        let slot = &self.slots[candidate];
        if !id.is_empty() && !slot.id.is_empty() {
            return (slot.id == id).then_some(candidate);
        }
        // Without ids, a name is what begins a call; but some repeat it in every delta.
        let begins = if name.is_empty() || slot.name.is_empty() {
            false
        } else if is_object(&slot.arguments) {
            name != slot.name || !arguments.is_empty()
        } else {
            name != slot.name
        };
        (!begins).then_some(candidate)
    }

    /// The calls, each with an id that no other has. Of an answer that was `cut_off`, a call whose
    /// arguments are not whole is left out.
    pub fn finish(self, cut_off: bool, mint: u64) -> Vec<WholeCall> {
        let mut taken = HashSet::new();
        let is_call = |slot: &Slot| match cut_off {
            true => is_object(&slot.arguments),
            false => !slot.name.is_empty() || !slot.arguments.is_empty(),
        };
        let whole = self.slots.into_iter().filter(is_call);
        let call = |(i, slot): (usize, Slot)| {
            let mut id = slot.id;
            if id.is_empty() || !taken.insert(id.clone()) {
                id = format!("call_{mint:016x}_{i}");
                taken.insert(id.clone());
            }
            let arguments = match slot.arguments.trim() {
                "" => "{}".to_owned(),
                _ => slot.arguments,
            };
            // A call without a name is refused when it comes back.
            let name = if slot.name.is_empty() { "unnamed".to_owned() } else { slot.name };
            let call = ToolCall { id, name, arguments };
            WholeCall { call, extra_content: slot.extra_content }
        };
        whole.enumerate().map(call).collect()
    }
}

/// The text of the arguments: of a string what it says, of an object its JSON.
fn arguments(raw: Option<&RawValue>) -> String {
    match raw.map(RawValue::get) {
        None | Some("null") => String::new(),
        Some(json) => serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned()),
    }
}
