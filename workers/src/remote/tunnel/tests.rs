use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_log::bus::{Bus, BusError, LocalBus, Messages};
use theazo_log::conformance::faults::{Faults, FaultyBus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Broken, CHUNK, Endpoint, OpenError, SILENCE, Tunnel, WINDOW};

const DOOR: &str = "door";
const LONG: Duration = Duration::from_secs(3_600);

/// Two processes, each with its connection to one bus.
struct Two {
    near_bus: Arc<FaultyBus>,
    far_bus: Arc<FaultyBus>,
    near: Arc<Endpoint>,
    far: Arc<Endpoint>,
    asked: Messages,
    stop: CancellationToken,
}

impl Two {
    async fn with(faults: Faults, seed: u64) -> Self {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let near_bus = FaultyBus::new(bus.clone(), faults, seed);
        let far_bus = FaultyBus::new(bus.clone(), faults, !seed);
        let stop = CancellationToken::new();
        let near = Endpoint::start(near_bus.clone(), stop.clone()).await.unwrap();
        let far = Endpoint::start(far_bus.clone(), CancellationToken::new()).await.unwrap();
        let asked = bus.subscribe(DOOR).await.unwrap();
        Self { near_bus, far_bus, near, far, asked, stop }
    }

    async fn new() -> Self {
        Self::with(Faults::default(), 0).await
    }

    async fn tunnel(&mut self) -> Result<(Tunnel, Tunnel), OpenError> {
        let Self { near, far, asked, .. } = self;
        let accepting = async {
            let message = asked.next().await.unwrap();
            far.accept(&message).await
        };
        let (mut accepting, mut opening) = (pin!(accepting), pin!(near.open(DOOR)));
        tokio::select! {
            opened = &mut opening => Ok((opened?, accepting.await?)),
            accepted = &mut accepting => {
                let far = accepted?;
                Ok((opening.await?, far))
            }
        }
    }

    async fn pair(&mut self) -> (Tunnel, Tunnel) {
        self.tunnel().await.unwrap()
    }

    /// Every tunnel has ended, and nothing is kept of any.
    async fn nothing_is_left(&self) {
        for endpoint in [&self.near, &self.far] {
            timeout(LONG, endpoint.idle()).await.expect("the tunnels end");
            assert_eq!(endpoint.open_tunnels(), 0);
        }
    }
}

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|n| ((n * 31) >> 3) as u8 ^ seed).collect()
}

async fn say(tunnel: &mut (impl AsyncWriteExt + Unpin), said: &[u8]) -> io::Result<()> {
    tunnel.write_all(said).await?;
    tunnel.shutdown().await
}

async fn hear(tunnel: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    tunnel.read_to_end(&mut heard).await.map(|_| heard)
}

fn why(error: &io::Error) -> &Broken {
    error.get_ref().and_then(|e| e.downcast_ref()).expect("a reason")
}

#[tokio::test(start_paused = true)]
async fn each_side_ends_what_it_says_on_its_own() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    say(&mut near, b"question").await.unwrap();
    assert_eq!(hear(&mut far).await.unwrap(), b"question");
    say(&mut far, b"answer").await.unwrap();
    drop(far);
    assert_eq!(hear(&mut near).await.unwrap(), b"answer");
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn much_crosses_both_ways_at_once_and_arrives_as_it_was() {
    let mut two = Two::new().await;
    let (near, far) = two.pair().await;
    let (there, back) = (bytes(9 * WINDOW + 7, 1), bytes(5 * WINDOW, 2));
    let (mut near_hears, mut near_says) = tokio::io::split(near);
    let (mut far_hears, mut far_says) = tokio::io::split(far);
    let (a, b, c, d) = tokio::join!(
        say(&mut near_says, &there),
        say(&mut far_says, &back),
        hear(&mut near_hears),
        hear(&mut far_hears),
    );
    a.unwrap();
    b.unwrap();
    assert!(c.unwrap() == back && d.unwrap() == there);
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_holds_the_other_back_and_loses_nothing() {
    let mut two = Two::new().await;
    for step in [1, 100, 70_000] {
        let (mut near, mut far) = two.pair().await;
        let said = bytes(2 * WINDOW, 3);
        let mut sent = 0;
        // Stuck for a minute: nothing more is taken.
        while let Ok(wrote) = timeout(LONG / 60, near.write(&said[..step])).await {
            sent += wrote.unwrap();
            assert!(sent <= WINDOW + 4 * CHUNK, "{sent} bytes are in memory");
        }
        let mut heard = vec![0; sent];
        far.read_exact(&mut heard).await.unwrap();
        let expected: Vec<u8> = said[..step].iter().copied().cycle().take(sent).collect();
        assert!(step == 70_000 || heard == expected);
        near.shutdown().await.unwrap();
        assert_eq!(hear(&mut far).await.unwrap(), b"");
        far.shutdown().await.unwrap();
    }
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_nobody_uses_stays_open() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    tokio::time::sleep(LONG).await;
    say(&mut near, b"still there").await.unwrap();
    assert_eq!(hear(&mut far).await.unwrap(), b"still there");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_its_time_gets_all_though_the_other_has_gone() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    let said = bytes(WINDOW - CHUNK, 4);
    far.shutdown().await.unwrap();
    say(&mut near, &said).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(near);
    two.near_bus.cut();
    tokio::time::sleep(LONG).await;
    assert!(hear(&mut far).await.unwrap() == said);
    drop(far);
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn who_lets_go_before_the_end_breaks_it_for_the_other() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    near.write_all(b"half of wh").await.unwrap();
    drop(near);
    let broken = hear(&mut far).await.unwrap_err();
    assert!(matches!(why(&broken), Broken::Reset(_)), "{broken}");
    let broken = far.write(b"x").await.unwrap_err();
    assert!(matches!(why(&broken), Broken::Reset(_)), "{broken}");
    drop(far);
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_said_all_and_goes_is_heard_and_talked_to_no_more() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    let said = bytes(3 * WINDOW, 5);
    let saying = async {
        say(&mut near, &said).await.unwrap();
        drop(near);
    };
    let ((), heard) = tokio::join!(saying, hear(&mut far));
    assert!(heard.unwrap() == said);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(far.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_side_that_died_is_noticed_within_ten_seconds() {
    let mut two = Two::new().await;
    let (mut near, far) = two.pair().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    two.far_bus.cut();
    let since = Instant::now();
    let broken = hear(&mut near).await.unwrap_err();
    assert_eq!(*why(&broken), Broken::Silent);
    assert!(since.elapsed() >= SILENCE - super::PING && since.elapsed() <= Duration::from_secs(10));
    drop((near, far));
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_there_is_no_tunnel() {
    let two = Two::new().await;
    let nobody = two.near.open("elsewhere").await.err();
    assert_eq!(nobody, Some(BusError::NobodyThere("elsewhere".to_owned()).into()));
    let silent = two.near.open(DOOR).await.err();
    assert_eq!(silent, Some(BusError::Timeout(DOOR.to_owned()).into()));
    two.nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_why() {
    let mut two = Two::new().await;
    let Two { near, far, asked, .. } = &mut two;
    let refusing = async {
        let message = asked.next().await.unwrap();
        far.refuse(&message, "too much").await.unwrap();
    };
    let (refused, ()) = tokio::join!(near.open(DOOR), refusing);
    assert_eq!(refused.err(), Some(OpenError::Refused("too much".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stops_ends_its_tunnels_and_says_so() {
    let mut two = Two::new().await;
    let (mut near, mut far) = two.pair().await;
    two.stop.cancel();
    assert_eq!(*why(&hear(&mut near).await.unwrap_err()), Broken::Stopping);
    assert!(matches!(why(&hear(&mut far).await.unwrap_err()), Broken::Reset(_)));
    two.nothing_is_left().await;
}

/// One exchange: a question and an answer that is made of it.
async fn exchange(two: &mut Two, seed: u64) -> Result<(), String> {
    let (mut near, mut far) = two.tunnel().await.map_err(|e| e.to_string())?;
    let length = (seed as usize * 977) % (2 * WINDOW);
    let question = bytes(length, seed as u8);
    let asking = async {
        say(&mut near, &question).await?;
        hear(&mut near).await
    };
    let answering = async {
        let mut heard = hear(&mut far).await?;
        heard.reverse();
        say(&mut far, &heard).await?;
        drop(far);
        io::Result::Ok(())
    };
    let (answer, answered) = tokio::join!(asking, answering);
    let mut answer = answer.map_err(|e| e.to_string())?;
    answer.reverse();
    assert!(answer == question, "seed {seed}: what was heard is not what was said");
    answered.map_err(|e| e.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_faulty_bus_ends_a_tunnel_and_never_changes_what_is_heard() {
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..300 {
        let faults = [
            Faults { lost: 60, ..Faults::default() },
            Faults { repeated: 60, ..Faults::default() },
            Faults { delayed: 60, ..Faults::default() },
            Faults { lost: 20, repeated: 20, delayed: 20 },
        ][seed as usize % 4];
        let mut two = Two::with(faults, seed).await;
        match timeout(LONG, exchange(&mut two, seed)).await.expect("an end") {
            Ok(()) => whole += 1,
            Err(_) => broken += 1,
        }
        two.nothing_is_left().await;
    }
    assert!(whole > 50 && broken > 50, "{whole} whole, {broken} broken");
}
