use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use theazo_domain::StreamId;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Position;
use crate::bus::{Bus, BusError, LocalBus, Messages};
use crate::conformance::faults::{Faults, FaultyBus};
use crate::conformance::fixtures::{scope, session};
use crate::live::{Live, Speaker, Voice, Watcher, wire};

const AT: Position = Position(7);
const PATIENCE: Duration = Duration::from_secs(600);

fn stream() -> StreamId {
    session(scope(0), 1)
}

/// Two processes on one bus.
struct Two {
    bus: Arc<dyn Bus>,
    here: Live,
    there: Live,
}

impl Two {
    fn with(faults: Faults, seed: u64) -> Self {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let live = |seed| {
            let faulty = FaultyBus::new(bus.clone(), faults, seed);
            Live::over(faulty, CancellationToken::new())
        };
        let (here, there) = (live(seed), live(!seed));
        Self { bus, here, there }
    }

    fn new() -> Self {
        Self::with(Faults::default(), 0)
    }

    /// Whether somebody has subscribed.
    async fn is_heard(&self, subject: &str) -> bool {
        let asked = self.bus.request(subject, Bytes::new(), Duration::from_millis(1)).await;
        !matches!(asked, Err(BusError::NobodyThere(_)))
    }

    /// Waits until nobody has subscribed to anything of the stream.
    async fn falls_silent(&self) {
        let silent = async {
            for subject in [wire::subject(&stream()), wire::so_far(&stream())] {
                while self.is_heard(&subject).await {
                    sleep(Duration::from_millis(10)).await;
                }
            }
        };
        timeout(PATIENCE, silent).await.expect("nobody listens any more");
        assert_eq!((self.here.streams(), self.there.streams()), (0, 0));
    }
}

/// What a watcher has heard of one call.
struct Listener {
    watcher: Watcher,
    heard: String,
}

impl Listener {
    fn new(live: &Live) -> Self {
        Self { watcher: live.watch(&stream()), heard: String::new() }
    }

    async fn until(&mut self, length: usize) -> &str {
        let hearing = async {
            while self.heard.len() < length {
                for piece in self.watcher.after(AT, self.heard.len()).await {
                    self.heard.push_str(&piece.text);
                }
            }
        };
        timeout(PATIENCE, hearing).await.expect("it is heard");
        &self.heard
    }
}

/// Says `words` words, with a pause after each.
async fn talk(speaker: &Speaker, words: usize, said: &RefCell<String>) {
    for n in 0..words {
        let voice = if n % 10 < 3 { Voice::Reasoning } else { Voice::Text };
        let word = format!("wörd{n} ");
        said.borrow_mut().push_str(&word);
        speaker.say(voice, &word);
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_here_is_heard_there() {
    let two = Two::new();
    let mut listener = Listener::new(&two.there);
    let speaker = two.here.speak(&stream(), AT);
    speaker.say(Voice::Reasoning, "hm ");
    speaker.say(Voice::Text, "one");
    assert_eq!(listener.until(6).await, "hm one");
    let pieces = listener.watcher.after(AT, 0).await;
    assert_eq!(pieces.iter().map(|p| p.voice).collect::<Vec<_>>(), [Voice::Reasoning, Voice::Text]);
    drop((speaker, listener));
    two.falls_silent().await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_hears_all_that_was_said() {
    let two = Two::new();
    let speaker = two.here.speak(&stream(), AT);
    let text = "é\u{1}\"".repeat(100_000);
    speaker.say(Voice::Text, &text);
    sleep(Duration::from_secs(1)).await;
    assert!(Listener::new(&two.there).until(text.len()).await == text);
    drop(speaker);
    two.falls_silent().await;
}

#[tokio::test(start_paused = true)]
async fn many_small_words_are_few_messages() {
    let two = Two::new();
    let mut messages = two.bus.subscribe(&wire::subject(&stream())).await.unwrap();
    let speaker = two.here.speak(&stream(), AT);
    for _ in 0..2_000 {
        speaker.say(Voice::Text, "x");
        sleep(Duration::from_millis(1)).await;
    }
    let mut count = 0;
    while messages.next().now_or_never().is_some() {
        count += 1;
    }
    assert!((20..=41).contains(&count), "{count} messages in two seconds");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_is_heard_and_the_next_one_begins_anew() {
    let two = Two::new();
    let mut watcher = two.there.watch(&stream());
    for (at, text) in [(AT, "first"), (Position(9), "second")] {
        let speaker = two.here.speak(&stream(), at);
        speaker.say(Voice::Text, text);
        let heard = timeout(PATIENCE, watcher.after(at, 0)).await.unwrap();
        assert_eq!(heard[0].text, text);
        drop(speaker);
        let over = watcher.state.wait_for(|state| state.call.is_none());
        timeout(PATIENCE, over).await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_may_carry_on() {
    let two = Two::new();
    let mut listener = Listener::new(&two.there);
    let lost = two.here.speak(&stream(), Position(3));
    lost.say(Voice::Text, "of a worker that is overtaken");
    sleep(Duration::from_secs(1)).await;
    let other = Live::over(two.bus.clone(), CancellationToken::new());
    let speaker = other.speak(&stream(), AT);
    speaker.say(Voice::Text, "anew");
    sleep(Duration::from_secs(1)).await;
    lost.say(Voice::Text, ", and does not know");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(listener.until(4).await, "anew");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_speaks_hears_itself_without_the_bus() {
    let two = Two::new();
    let mut listener = Listener::new(&two.here);
    sleep(Duration::from_secs(1)).await;
    let subject = wire::subject(&stream());
    assert!(two.is_heard(&subject).await, "others are listened to");
    let speaker = two.here.speak(&stream(), AT);
    sleep(Duration::from_secs(1)).await;
    assert!(!two.is_heard(&subject).await);
    speaker.say(Voice::Text, "own");
    assert_eq!(listener.until(3).now_or_never(), Some("own"));
    drop(speaker);
    sleep(Duration::from_secs(1)).await;
    assert!(two.is_heard(&subject).await, "others may carry on");
    drop(listener);
    two.falls_silent().await;
}

#[tokio::test(start_paused = true)]
async fn all_that_watch_a_stream_share_one_ear() {
    let two = Two::new();
    let first = two.there.watch(&stream());
    let second = two.there.watch(&stream());
    sleep(Duration::from_secs(1)).await;
    drop(first);
    sleep(Duration::from_secs(1)).await;
    assert!(two.is_heard(&wire::subject(&stream())).await);
    drop(second);
    two.falls_silent().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_stop_nobody_listens() {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
    let stop = CancellationToken::new();
    let live = Live::over(bus.clone(), stop.clone());
    let _speaker = live.speak(&stream(), AT);
    let other = session(scope(0), 2);
    let _watcher = live.watch(&other);
    sleep(Duration::from_secs(1)).await;
    stop.cancel();
    sleep(Duration::from_secs(1)).await;
    for subject in [wire::so_far(&stream()), wire::subject(&other)] {
        let asked = bus.request(&subject, Bytes::new(), PATIENCE).await;
        assert_eq!(asked, Err(BusError::NobodyThere(subject)));
    }
}

/// A bus that takes nothing and never says so.
struct Stuck;

#[async_trait]
impl Bus for Stuck {
    async fn publish(&self, _: &str, _: Bytes) -> Result<(), BusError> {
        std::future::pending().await
    }

    async fn subscribe(&self, _: &str) -> Result<Messages, BusError> {
        Ok(futures::stream::pending().boxed())
    }

    async fn request(&self, _: &str, _: Bytes, _: Duration) -> Result<Bytes, BusError> {
        std::future::pending().await
    }

    fn connected_since(&self) -> Option<Instant> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_stuck_holds_nobody_up_who_speaks() {
    let live = Live::over(Arc::new(Stuck), CancellationToken::new());
    let mut listener = Listener::new(&live);
    let speaker = live.speak(&stream(), AT);
    let said = RefCell::default();
    talk(&speaker, 100, &said).await;
    let said = said.into_inner();
    assert_eq!(listener.until(said.len()).now_or_never(), Some(said.as_str()));
}

/// What is heard is always the beginning of what was said, and as long as more is said nothing
/// stays missing.
#[tokio::test(start_paused = true)]
async fn on_a_faulty_bus_what_is_missing_is_asked_for_and_nothing_comes_twice() {
    for seed in 0..60 {
        let faults = [
            Faults { lost: 300, ..Faults::default() },
            Faults { repeated: 300, ..Faults::default() },
            Faults { delayed: 300, ..Faults::default() },
            Faults { lost: 100, repeated: 100, delayed: 100 },
        ][seed as usize % 4];
        let two = Two::with(faults, seed);
        let mut early = Listener::new(&two.there);
        let speaker = two.here.speak(&stream(), AT);
        let said = RefCell::default();
        talk(&speaker, 50, &said).await;
        let mut late = Listener::new(&two.there);
        let length = said.borrow().len() + 400;
        let hearing = async {
            let early = early.until(length).await.to_owned();
            (early, late.until(length).await.to_owned())
        };
        let (early, late) = tokio::select! {
            heard = hearing => heard,
            () = talk(&speaker, usize::MAX, &said) => panic!("it talks on"),
        };
        for heard in [early, late] {
            assert!(said.borrow().starts_with(&heard), "seed {seed}: {heard}");
        }
    }
}
