//! What moves a tunnel's bytes between its user and the bus.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use theazo_log::bus::BusError;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::endpoint::Line;
use super::frame::Frame;
use super::{Broken, CHUNK, Fate, LEAST, PING, SILENCE, Tunnel, WINDOW};

/// Between two looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// How long what is left to send may take when the user is gone.
const LINGER: Duration = Duration::from_secs(30);

/// Both ways of one end. A way that has ended is `None`.
pub(super) struct Pump {
    line: Line,
    fate: Arc<Fate>,
    gone: CancellationToken,
    stop: CancellationToken,
    /// What the user says.
    from_user: Option<DuplexStream>,
    /// What the user hears.
    to_user: Option<DuplexStream>,
    /// What was heard and is not in the user's pipe yet.
    waiting: VecDeque<Waiting>,
    scratch: BytesMut,
    /// The number of the next message, and when the last one was sent.
    sent: u64,
    sent_at: Instant,
    /// The number that comes next, and when the last one came.
    heard: u64,
    heard_at: Instant,
    /// What may be sent.
    room: usize,
    /// What was heard and no credit given for, and of that what the user has taken.
    held: usize,
    owed: usize,
    /// The other side has said all.
    fin: bool,
    gone_at: Option<Instant>,
}

/// A message that the user has not taken all of.
struct Waiting {
    rest: Bytes,
    cost: usize,
}

/// What happens next.
enum Turn {
    Heard(Option<Bytes>),
    Said(io::Result<usize>),
    Taken(io::Result<usize>),
    Tick,
    Gone,
    Stop,
}

/// Begins a tunnel over `line`: the user's end, and what is to be run for it.
pub(super) fn tunnel(line: Line, stop: CancellationToken) -> (Tunnel, Pump) {
    let (heard, to_user) = duplex(CHUNK);
    let (said, from_user) = duplex(CHUNK);
    let fate = Arc::<Fate>::default();
    let gone = CancellationToken::new();
    let now = Instant::now();
    let pump = Pump {
        line,
        fate: fate.clone(),
        gone: gone.clone(),
        stop,
        from_user: Some(from_user),
        to_user: Some(to_user),
        waiting: VecDeque::new(),
        scratch: BytesMut::new(),
        sent: 0,
        sent_at: now,
        heard: 0,
        heard_at: now,
        room: WINDOW,
        held: 0,
        owed: 0,
        fin: false,
        gone_at: None,
    };
    (Tunnel { heard, said, fate, _gone: gone.drop_guard() }, pump)
}

/// What a message of `length` bytes counts in the window.
fn cost(length: usize) -> usize {
    length.max(LEAST)
}

impl Pump {
    /// Until both sides have said and heard all, or it breaks.
    pub async fn run(mut self) {
        let mut tick = Instant::now() + TICK;
        while self.from_user.is_some() || self.to_user.is_some() {
            let turn = self.turn(tick).await;
            if matches!(turn, Turn::Tick) {
                tick = Instant::now() + TICK;
            }
            if let Err(broken) = self.take(turn).await {
                self.breaks(broken).await;
            }
        }
    }

    /// Nothing is to be sent any more, and nothing is awaited: only the user has not read it all.
    fn only_drains(&self) -> bool {
        self.from_user.is_none() && (self.fin || self.fate.broken.get().is_some())
    }

    async fn turn(&mut self, tick: Instant) -> Turn {
        let talks = !self.only_drains();
        let Self { line, from_user, to_user, waiting, scratch, room, gone, stop, .. } = self;
        let may_send = from_user.is_some() && *room >= LEAST;
        let may_give = to_user.is_some() && !waiting.is_empty();
        tokio::select! {
            message = line.inbox.recv(), if talks => Turn::Heard(message),
            said = read(from_user, scratch, *room), if may_send => Turn::Said(said),
            taken = give(to_user, waiting), if may_give => Turn::Taken(taken),
            () = sleep_until(tick) => Turn::Tick,
            () = gone.cancelled(), if self.gone_at.is_none() => Turn::Gone,
            () = stop.cancelled() => Turn::Stop,
        }
    }

    async fn take(&mut self, turn: Turn) -> Result<(), Broken> {
        match turn {
            Turn::Heard(Some(message)) => self.hear(&message),
            // The endpoint lets go of its tunnels when it is stopped, or the bus is closed.
            Turn::Heard(None) if self.stop.is_cancelled() => Err(Broken::Stopping),
            Turn::Heard(None) => Err(BusError::Unavailable("it is closed".to_owned()).into()),
            Turn::Said(said) => self.say(said.unwrap_or(0)).await,
            Turn::Taken(taken) => self.taken(taken).await,
            Turn::Tick => self.tick().await,
            Turn::Gone => self.gone().await,
            Turn::Stop => Err(Broken::Stopping),
        }
    }

    fn hear(&mut self, message: &Bytes) -> Result<(), Broken> {
        let (number, frame) = Frame::decode(message).ok_or(Broken::Protocol)?;
        if number != self.heard {
            return Err(Broken::OutOfOrder);
        }
        self.heard += 1;
        self.heard_at = Instant::now();
        match frame {
            Frame::Data(data) => {
                let cost = cost(data.len());
                self.held += cost;
                if self.fin || data.is_empty() || self.held > WINDOW {
                    return Err(Broken::Protocol);
                }
                if self.to_user.is_some() && self.gone_at.is_none() {
                    self.waiting.push_back(Waiting { rest: data, cost });
                }
            }
            Frame::Fin => {
                self.fin = true;
                self.finish_hearing();
            }
            Frame::Stop => self.from_user = None,
            Frame::Credit(more) => {
                self.room = self.room.saturating_add(more as usize).min(WINDOW);
            }
            Frame::Ping => {}
            Frame::Reset(why) => return Err(Broken::Reset(why)),
        }
        Ok(())
    }

    /// Ends the user's hearing when it has all there is.
    fn finish_hearing(&mut self) {
        if self.fin && self.waiting.is_empty() {
            self.fate.whole.store(true, Ordering::Release);
            self.to_user = None;
        }
    }

    /// Sends what the user has said, or that it has said all.
    async fn say(&mut self, length: usize) -> Result<(), Broken> {
        if length > 0 {
            self.room -= cost(length);
            let data = Bytes::copy_from_slice(&self.scratch);
            self.scratch.clear();
            return self.send(Frame::Data(data)).await;
        }
        if !self.fate.shut.load(Ordering::Acquire) {
            return Err(Broken::Dropped);
        }
        self.from_user = None;
        self.send(Frame::Fin).await?;
        self.stop_hearing().await
    }

    /// Tells the other side that nobody listens any more, when the user is gone and all is said.
    async fn stop_hearing(&mut self) -> Result<(), Broken> {
        if self.gone_at.is_none() || self.from_user.is_some() {
            return Ok(());
        }
        self.to_user = None;
        if self.fin { Ok(()) } else { self.send(Frame::Stop).await }
    }

    async fn taken(&mut self, taken: io::Result<usize>) -> Result<(), Broken> {
        let Some(first) = self.waiting.front_mut() else { return Ok(()) };
        // A pipe whose other end is gone: the user is, which is told on its own.
        let Ok(length) = taken else {
            self.waiting.clear();
            return Ok(());
        };
        first.rest.advance(length);
        if first.rest.is_empty() {
            self.owed += first.cost;
            self.waiting.pop_front();
        }
        self.finish_hearing();
        if self.owed < WINDOW / 4 || self.only_drains() || self.fin {
            return Ok(());
        }
        let more = std::mem::take(&mut self.owed);
        self.held -= more;
        self.send(Frame::Credit(u32::try_from(more).unwrap_or(u32::MAX))).await
    }

    async fn gone(&mut self) -> Result<(), Broken> {
        self.gone_at = Some(Instant::now());
        if !self.fate.shut.load(Ordering::Acquire) {
            return Err(Broken::Dropped);
        }
        self.waiting.clear();
        self.stop_hearing().await
    }

    async fn tick(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        if self.gone_at.is_some_and(|at| now >= at + LINGER) {
            return Err(Broken::Dropped);
        }
        if self.only_drains() {
            return Ok(());
        }
        // A connection that was away may have been what was silent.
        let since = self.line.bus.connected_since().unwrap_or(now).max(self.heard_at);
        if now >= since + SILENCE || now >= self.heard_at + 3 * SILENCE {
            return Err(Broken::Silent);
        }
        if now >= self.sent_at + PING { self.send(Frame::Ping).await } else { Ok(()) }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Broken> {
        let message = frame.encode(self.sent);
        self.sent += 1;
        self.sent_at = Instant::now();
        let publishing = self.line.bus.publish(&self.line.to, message);
        match timeout(SILENCE, publishing).await {
            Ok(published) => Ok(published?),
            Err(_) => Err(BusError::Timeout(self.line.to.clone()).into()),
        }
    }

    /// Ends both ways with an error; but what the other side has said in full is heard in full.
    async fn breaks(&mut self, broken: Broken) {
        tracing::debug!(to = self.line.to, %broken, "a tunnel broke");
        let told = !matches!(broken, Broken::Reset(_) | Broken::Bus(_));
        let why = broken.to_string();
        let stopping = broken == Broken::Stopping;
        // The first reason is the one that counts.
        let _ = self.fate.broken.set(broken);
        self.from_user = None;
        if !self.fin || self.gone_at.is_some() || stopping {
            self.waiting.clear();
            self.to_user = None;
        }
        if told && let Err(error) = self.send(Frame::Reset(why)).await {
            tracing::debug!(%error, "the other side is not told; it will notice the silence");
        }
    }
}

async fn read(
    from_user: &mut Option<DuplexStream>,
    scratch: &mut BytesMut,
    room: usize,
) -> io::Result<usize> {
    match from_user {
        Some(pipe) => {
            scratch.reserve(CHUNK);
            pipe.read_buf(&mut scratch.limit(room.min(CHUNK))).await
        }
        None => std::future::pending().await,
    }
}

async fn give(
    to_user: &mut Option<DuplexStream>,
    waiting: &VecDeque<Waiting>,
) -> io::Result<usize> {
    match (to_user, waiting.front()) {
        (Some(pipe), Some(first)) => pipe.write(&first.rest).await,
        _ => std::future::pending().await,
    }
}
