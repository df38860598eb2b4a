//! Brings another log's commits into this one as they are: the same bytes, the same hashes, in the
//! same order; so that the chains of streams and the rolling hashes of orgs stay what they were.
//!
//! Each message expects the log's last sequence, so the server itself keeps the order, and many can
//! be on their way at once: what comes too early, twice, or late over a connection that broke lands
//! in its own place or nowhere.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Message, Subscriber};
use futures::StreamExt;
use theazo_log::{EventLog, Filter, Hash, LogError, Position, RawCommit};
use tokio::time::{Instant, sleep, timeout};

use crate::log::JetStreamLog;
use crate::message::Outgoing;
use crate::reader::Reader;

/// Commits read at a time.
const PAGE: usize = 1_024;
/// Commits that are on their way at once, at most, and bytes of them.
const WINDOW: usize = 512;
const WINDOW_BYTES: usize = 8 << 20;
/// The wait before what broke off is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Why an import did not begin, or did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    #[error("the log to copy: {0}")]
    Source(LogError),
    #[error("the log to copy into: {0}")]
    Target(LogError),
    #[error(
        "the log to copy into has another commit at position {0}: it is another log, or somebody \
         writes to it"
    )]
    Foreign(Position),
    #[error(
        "the log to copy into has everything, and goes on after that to position {0}: it is in use \
         already"
    )]
    Ahead(Position),
}

/// An import that can go on: what the log has is the beginning of the other.
pub struct Import<'a> {
    log: &'a JetStreamLog,
    source: &'a dyn EventLog,
    /// Read from the source, with their places here, and not known to be here. The first `sent` are
    /// on their way.
    queue: VecDeque<RawCommit>,
    sent: usize,
    sent_bytes: usize,
    /// The last commit read from the source, by its place there; and how many that were.
    read: Position,
    count: u64,
    /// Where each stream ends here, by the hash of its name; with what is in the queue.
    revisions: HashMap<Hash, Position>,
    /// The last commit that is here.
    done: Position,
}

impl<'a> Import<'a> {
    /// Compares the log with the beginning of `source`, in which nobody writes. Writes nothing.
    ///
    /// # Errors
    /// When the log has something that the other has not.
    pub async fn begin(
        log: &'a JetStreamLog,
        source: &'a dyn EventLog,
    ) -> Result<Self, ImportError> {
        let mut import = Self {
            log,
            source,
            queue: VecDeque::new(),
            sent: 0,
            sent_bytes: 0,
            read: Position::START,
            count: 0,
            revisions: HashMap::new(),
            done: Position::START,
        };
        import.settle().await?;
        let head = log.head().await.map_err(ImportError::Target)?;
        match head > import.done {
            // Something was there, and was removed.
            true => Err(ImportError::Foreign(head)),
            false => Ok(import),
        }
    }

    /// The last commit that is here already.
    pub fn done(&self) -> Position {
        self.done
    }

    /// Copies the rest. Answers the log's new end; `progress` hears each commit's place here.
    ///
    /// # Errors
    /// When the server does not take a commit for as long as the log is patient. What is here by
    /// then is the beginning of the other log: another import goes on from there.
    pub async fn run(
        mut self,
        mut progress: impl FnMut(Position) + Send,
    ) -> Result<Position, ImportError> {
        let patience = self.reader().patience;
        let mut deadline = Instant::now() + patience;
        loop {
            let before = self.done;
            let Some(reason) = self.send(&mut progress).await? else { return Ok(self.done) };
            tracing::info!(reason, after = %self.done, "copying goes on anew");
            // What was not acknowledged may be here.
            self.settle().await?;
            if self.done > before {
                deadline = Instant::now() + patience;
            } else if Instant::now() >= deadline {
                return Err(ImportError::Target(LogError::Unavailable(reason)));
            }
            sleep(TRY_AGAIN).await;
        }
    }

    fn reader(&self) -> &'a Reader {
        self.log.reader()
    }

    /// Sends what there is, until it is all acknowledged or something is wrong, which is answered.
    async fn send(
        &mut self,
        progress: &mut (impl FnMut(Position) + Send),
    ) -> Result<Option<String>, ImportError> {
        let client = &self.reader().link.client;
        let inbox = client.new_inbox();
        let mut acknowledged = match client.subscribe(format!("{inbox}.*")).await {
            Ok(acknowledged) => acknowledged,
            Err(error) => return Ok(Some(error.to_string())),
        };
        loop {
            if self.sent == self.queue.len() {
                self.read_on().await?;
            }
            let room = self.sent < WINDOW && (self.sent == 0 || self.sent_bytes < WINDOW_BYTES);
            let taken = match self.queue.get(self.sent) {
                Some(_) if room => self.publish(&inbox).await,
                None if self.sent == 0 => return Ok(None),
                _ => self.receive(&mut acknowledged).await,
            };
            match taken {
                Ok(true) => progress(self.done),
                Ok(false) => (),
                Err(reason) => return Ok(Some(reason)),
            }
        }
    }

    /// Sends the next commit. It is not acknowledged yet.
    async fn publish(&mut self, inbox: &str) -> Result<bool, String> {
        let reader = self.reader();
        let Some(next) = self.queue.get(self.sent) else { return Ok(false) };
        reader.fits(next.body.len()).map_err(|e| e.to_string())?;
        let subject = reader.subjects.stream(&next.stream);
        let before = self.sent.checked_sub(1).and_then(|before| self.queue.get(before));
        let Outgoing { subject, headers, body } = Outgoing::in_its_place(subject, next, before);
        self.sent += 1;
        self.sent_bytes += body.len();
        let reply = format!("{inbox}.{}", next.position);
        let client = &reader.link.client;
        let sent = client.publish_with_reply_and_headers(subject, reply, headers, body);
        match timeout(self.reader().patience, sent).await {
            Ok(sent) => sent.map(|()| false).map_err(|e| e.to_string()),
            Err(_) => Err("there is no connection to NATS".to_owned()),
        }
    }

    /// Waits for the acknowledgement of the first that is on its way.
    async fn receive(&mut self, acknowledged: &mut Subscriber) -> Result<bool, String> {
        let answer = match timeout(self.log.ack_wait(), acknowledged.next()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err("the connection is closed".to_owned()),
            Err(_) => return Err("there was no answer in time".to_owned()),
        };
        let next = Position(self.done.0 + 1);
        let asked = answer.subject.rsplit('.').next().and_then(|place| place.parse().ok());
        let ack = acknowledgement(&answer)?;
        if asked != Some(next.0) || ack.sequence != next.0 {
            return Err(format!("{} was acknowledged before {next}", ack.sequence));
        }
        self.arrived();
        Ok(true)
    }

    /// The first of the queue is here.
    fn arrived(&mut self) {
        let Some(raw) = self.queue.pop_front() else { return };
        if self.sent > 0 {
            self.sent -= 1;
            self.sent_bytes -= raw.body.len();
        }
        self.done = raw.position;
        self.reader().saw(raw.position);
    }

    /// Takes off the queue what is here, whoever sent it.
    async fn settle(&mut self) -> Result<(), ImportError> {
        (self.sent, self.sent_bytes) = (0, 0);
        loop {
            let there = self.log.read_raw(&Filter::all(), self.done, PAGE).await;
            let there = there.map_err(ImportError::Target)?;
            let Some(last) = there.last().map(|raw| raw.position) else { return Ok(()) };
            for raw in there {
                if self.queue.is_empty() {
                    self.read_on().await?;
                }
                match self.queue.front() {
                    Some(ours) if *ours == raw => self.arrived(),
                    Some(_) => return Err(ImportError::Foreign(raw.position)),
                    None => return Err(ImportError::Ahead(last)),
                }
            }
        }
    }

    /// Reads the source's next commits, and gives them their places here.
    async fn read_on(&mut self) -> Result<(), ImportError> {
        let page = self.source.read_raw(&Filter::all(), self.read, PAGE).await;
        for mut raw in page.map_err(ImportError::Source)? {
            self.read = raw.position;
            self.count += 1;
            raw.position = Position(self.count);
            let name = Hash::content(raw.stream.to_string().as_bytes());
            raw.previous = self.revisions.insert(name, raw.position).unwrap_or_default();
            self.queue.push_back(raw);
        }
        Ok(())
    }
}

fn acknowledgement(answer: &Message) -> Result<PublishAck, String> {
    if let Some(status) = answer.status {
        return Err(format!("JetStream does not answer ({status}): has the stream a leader?"));
    }
    match serde_json::from_slice(&answer.payload) {
        Ok(Response::Ok(ack)) => Ok(ack),
        Ok(Response::Err { error }) => Err(error.to_string()),
        Err(error) => Err(format!("the acknowledgement cannot be read: {error}")),
    }
}

impl JetStreamLog {
    /// Whether a stored commit is small enough for the server.
    pub fn takes(&self, raw: &RawCommit) -> Result<(), LogError> {
        self.reader().fits(raw.body.len())
    }
}
