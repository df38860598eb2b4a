use std::fmt::Display;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `probe` gives a value. `Err` is what it sees instead, for the
/// message when `within` is over.
#[track_caller]
pub fn eventually<T, E, F>(
    what: &str,
    within: Duration,
    mut probe: impl FnMut() -> F,
) -> impl Future<Output = T>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            match probe().await {
                Ok(value) => return value,
                Err(last) if Instant::now() >= deadline => {
                    panic!("{caller}: not within {within:?}: {what}; last: {last}")
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
