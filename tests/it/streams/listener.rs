//! A client that hears a stream over many connections.

use theazo_tests::{Chance, Client, Task, eventually};

use super::PATIENCE;
use super::reader::{Event, Reader};
use super::story::Story;

/// A client, what it has been told, and its connection while it has one.
pub struct Listener {
    client: Client,
    path: String,
    reader: Option<Reader>,
    pub story: Story,
    /// Every event, as it came.
    pub heard: Vec<Event>,
    /// How often it has connected.
    pub connections: usize,
    /// Why the server ended a connection.
    pub cuts: Vec<String>,
}

impl Listener {
    pub fn new(client: &Client, path: impl Into<String>) -> Self {
        Self {
            client: client.clone(),
            path: path.into(),
            reader: None,
            story: Story::default(),
            heard: Vec::new(),
            connections: 0,
            cuts: Vec::new(),
        }
    }

    pub fn of(task: &Task) -> Self {
        Self::new(&task.client, format!("{}/stream", task.path()))
    }

    pub fn disconnect(&mut self) {
        self.reader = None;
    }

    /// Connects, where it is not connected, after the last event that it has; waits for a server
    /// that is not there.
    pub async fn connect(&mut self) {
        if self.reader.is_some() {
            return;
        }
        let last = self.story.last_id.clone();
        let reader = eventually("a connection", PATIENCE, || {
            Reader::open(&self.client, &self.path, last.as_deref())
        });
        self.reader = Some(reader.await);
        self.connections += 1;
    }

    /// The next event; `false` when the connection ended instead.
    pub async fn hear(&mut self) -> bool {
        self.connect().await;
        match self.reader.as_mut().unwrap().next().await {
            Ok(Some(event)) => {
                self.heard.push(event.clone());
                self.cuts.extend(self.story.hear(event));
                true
            }
            Ok(None) | Err(_) => {
                self.disconnect();
                false
            }
        }
    }

    /// Listens until it has been told this, over as many connections as it takes.
    pub async fn until(&mut self, reached: impl Fn(&Story) -> bool) {
        while !reached(&self.story) {
            self.hear().await;
        }
    }

    /// Listens to the end of the task, and of its stream with it.
    pub async fn finish(&mut self) {
        self.until(Story::is_over).await;
        if let Some(mut reader) = self.reader.take() {
            let more = reader.next().await.unwrap();
            assert!(more.is_none(), "after the last event: {more:?}");
        }
    }

    /// Listens until it has been told this, and hangs up now and then on the way: in the middle of
    /// a text, between the events of one commit, before anything came.
    pub async fn flit_until(&mut self, chance: &mut Chance, reached: impl Fn(&Story) -> bool) {
        while !reached(&self.story) {
            if chance.below(2) == 0 {
                self.disconnect();
            }
            self.connect().await;
            for _ in 0..chance.below(4) {
                if reached(&self.story) || !self.hear().await {
                    break;
                }
            }
        }
    }
}
