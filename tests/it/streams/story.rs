//! What a client has been told, so that two clients can be compared: text joined per model call,
//! and every other event as it is.

use serde_json::{Value, json};

use super::reader::Event;

/// What one client has been told, over all its connections.
#[derive(Debug, Default, Clone)]
pub struct Story {
    told: Vec<Told>,
    /// Of the last event that had one.
    pub last_id: Option<String>,
    place: Option<Place>,
}

/// One event, or all the text of one model call that came without another event in between.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Of an event in the middle of a call, without how much of its text this client had: that is
    /// its own affair, for the rest of it may never come.
    id: String,
    pub name: String,
    pub data: Value,
}

/// What an id means: a commit, how many of its events, how many bytes of text since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64, u32, u64);

impl Place {
    pub fn of(id: &str) -> Self {
        let (rest, text) = id.split_once('.').unwrap_or((id, "0"));
        let (commit, events) = rest.split_once('-').unwrap_or((rest, "4294967295"));
        Self(commit.parse().unwrap(), events.parse().unwrap(), text.parse().unwrap())
    }
}

impl Story {
    /// The code of an event that only says that the connection ends here, and how to go on.
    pub fn hear(&mut self, event: Event) -> Option<String> {
        let Some(id) = event.id else {
            assert_eq!(event.name, "error", "{}", event.data);
            assert_eq!(event.data["resumable"], true, "{}", event.data);
            let message = event.data["message"].as_str().unwrap();
            assert!(message.contains("Last-Event-ID"), "{message}");
            return Some(event.data["code"].as_str().unwrap().to_owned());
        };
        let place = Place::of(&id);
        assert!(self.place.is_none_or(|last| last < place), "{id} after {:?}", self.last_id);
        self.place = Some(place);
        self.last_id = Some(id.clone());
        let is_text = event.name == "text" || event.name == "thinking";
        let id = if is_text { id } else { id.split('.').next().unwrap().to_owned() };
        self.add(Told { id, name: event.name, data: event.data });
        None
    }

    fn add(&mut self, told: Told) {
        let field = match told.name.as_str() {
            "text" => "delta",
            "thinking" => "text",
            "status" => return self.status(told),
            _ => return self.told.push(told),
        };
        let same = |last: &&mut Told| last.name == told.name && last.is_of_call_of(&told);
        match self.told.last_mut().filter(same) {
            Some(last) => {
                let whole = [&last.data, &told.data].map(|data| data[field].as_str().unwrap());
                last.data[field] = json!(whole.concat());
                last.id = told.id;
            }
            None => self.told.push(told),
        }
    }

    /// What a call said that broke off is void.
    fn status(&mut self, told: Told) {
        let step = &told.data["discardedStep"];
        if !step.is_null() {
            let task = &told.data["taskId"];
            self.told.retain(|other| {
                let said = other.name == "text" || other.name == "thinking";
                !said || other.data["step"] != *step || other.data["taskId"] != *task
            });
        }
        self.told.push(told);
    }

    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// Those of this name.
    pub fn named(&self, name: &str) -> Vec<&Value> {
        self.told.iter().filter(|told| told.name == name).map(|told| &told.data).collect()
    }

    /// Whether a task has ended.
    pub fn is_over(&self) -> bool {
        self.told.last().is_some_and(|last| last.name == "done" || last.name == "error")
    }

    /// What the model has said and thought, one text for each of its calls.
    pub fn said(&self) -> Vec<String> {
        let mut calls: Vec<(&Told, String)> = Vec::new();
        for told in &self.told {
            let words = match told.name.as_str() {
                "text" => told.data["delta"].as_str().unwrap(),
                "thinking" => told.data["text"].as_str().unwrap(),
                _ => continue,
            };
            match calls.last_mut().filter(|(call, _)| call.is_of_call_of(told)) {
                Some((_, said)) => said.push_str(words),
                None => calls.push((told, words.to_owned())),
            }
        }
        calls.into_iter().map(|(_, said)| said).collect()
    }

    /// Fails unless the other one was told the same.
    #[track_caller]
    pub fn must_be(&self, other: &Story, who: &str) {
        for (n, (own, others)) in self.told.iter().zip(&other.told).enumerate() {
            assert_eq!(own, others, "{who}: event {n} differs");
        }
        assert_eq!(self.told.len(), other.told.len(), "{who}: {:#?}", self.told.last());
    }
}

impl Told {
    fn is_of_call_of(&self, other: &Told) -> bool {
        let call = |told: &Told| (told.data["taskId"].clone(), told.data["step"].clone());
        call(self) == call(other)
    }
}
