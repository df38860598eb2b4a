//! One leader among many processes, by name.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection as _};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::OpenError;
use crate::dialect::Server;

/// The server ends a leader's session that was silent for so long, and with it the leadership.
const SILENCE: Duration = Duration::from_millis(3_000);
/// The leader believes so a little earlier, so that at no time two do.
const DOUBT: Duration = Duration::from_millis(2_500);
/// How often a leader makes itself heard.
const PING: Duration = Duration::from_millis(800);
/// How often the others look whether they may.
const LOOK: Duration = Duration::from_millis(300);
/// After a failure to get at the server.
const PAUSE: Duration = Duration::from_millis(500);
const CONNECT: Duration = Duration::from_secs(10);

/// A part that one process at a time has, of all that use one Postgres database.
///
/// It is an advisory lock of a session that the server ends when its holder is silent: whoever is
/// killed, frozen or cut off has lost it within three seconds. The holder learns that by itself,
/// at the latest when it comes back, and may act a moment longer than it leads: leading saves
/// work, and never is what keeps two apart.
#[derive(Debug, Clone)]
pub struct Leadership {
    server: Server,
    name: String,
}

/// The number of the advisory lock with this name.
pub(crate) fn lock_key(name: &str) -> i64 {
    let digest = Sha256::digest(format!("theazo lock: {name}").as_bytes());
    digest.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

impl Leadership {
    /// The leadership `name` among all processes on the database at `url`.
    ///
    /// # Errors
    /// When `url` is not the address of a Postgres database.
    pub fn new(url: &str, name: &str) -> Result<Self, OpenError> {
        let server = Server::new(url).map_err(OpenError::address)?;
        Ok(Self::on(server, name))
    }

    pub(crate) fn on(server: Server, name: &str) -> Self {
        Self { server, name: name.to_owned() }
    }

    /// Waits until this process leads, and runs `lead` while it does, with a token that is
    /// cancelled when it does not any more (or at `stop`); then waits again. Ends after `stop`,
    /// once `lead` has.
    pub async fn run<F, Fut>(&self, stop: CancellationToken, mut lead: F)
    where
        F: FnMut(CancellationToken) -> Fut,
        Fut: Future<Output = ()>,
    {
        while let Some(term) = self.win(&stop).await {
            tracing::info!(leadership = self.name, "this process leads");
            let token = term.lost.child_token();
            let mut led = std::pin::pin!(lead(token.clone()));
            tokio::select! {
                () = &mut led => {}
                () = stop.cancelled() => {
                    token.cancel();
                    led.await;
                }
            }
            term.end().await;
            tracing::info!(leadership = self.name, "this process leads no more");
            tokio::select! {
                () = stop.cancelled() => return,
                // Others come first.
                () = sleep(LOOK * 2) => {}
            }
        }
    }

    /// Waits until this process leads; none when `stop` comes first.
    pub(crate) async fn win(&self, stop: &CancellationToken) -> Option<Term> {
        loop {
            let error = tokio::select! {
                () = stop.cancelled() => return None,
                won = self.campaign() => match won {
                    Ok((session, heard)) => return Some(Term::start(session, heard)),
                    Err(error) => error,
                },
            };
            tracing::warn!(leadership = self.name, %error, "Postgres cannot be asked who leads");
            tokio::select! {
                () = stop.cancelled() => return None,
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Asks until the lock is ours: its session, and when it was last heard.
    async fn campaign(&self) -> Result<(PgConnection, Instant), sqlx::Error> {
        let silence = SILENCE.as_millis().to_string();
        let options = self.server.session(&[("idle_session_timeout", silence)]);
        let mut session = timely(CONNECT, options.connect()).await?;
        let key = lock_key(&self.name);
        loop {
            let asked = Instant::now();
            let ask = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key);
            if timely(DOUBT, ask.fetch_one(&mut session)).await? {
                return Ok((session, asked));
            }
            sleep(LOOK).await;
        }
    }
}

/// A time of leading.
pub(crate) struct Term {
    /// Cancelled when it is over.
    pub lost: CancellationToken,
    end: CancellationToken,
    keeper: AbortOnDropHandle<()>,
}

impl Term {
    fn start(session: PgConnection, heard: Instant) -> Self {
        let (lost, end) = (CancellationToken::new(), CancellationToken::new());
        let keeper = tokio::spawn(keep(session, heard, lost.clone(), end.clone()));
        Self { lost, end, keeper: AbortOnDropHandle::new(keeper) }
    }

    /// Lets the next one lead.
    pub(crate) async fn end(self) {
        self.end.cancel();
        if let Err(error) = self.keeper.await {
            tracing::error!(%error, "who keeps the leadership failed");
        }
    }
}

/// Makes the session heard until it is lost or its `end`.
async fn keep(
    mut session: PgConnection,
    mut heard: Instant,
    lost: CancellationToken,
    end: CancellationToken,
) {
    let _lost_in_any_case = lost.clone().drop_guard();
    loop {
        tokio::select! {
            () = end.cancelled() => {
                if let Err(error) = timely(DOUBT, session.close()).await {
                    tracing::debug!(%error, "a leader's session was not closed; it times out");
                }
                return;
            }
            () = sleep(PING) => {}
        }
        let asked = Instant::now();
        let left = DOUBT.saturating_sub(asked.duration_since(heard));
        if left.is_zero() {
            tracing::warn!("leadership was lost: this process stood still for too long");
            return;
        }
        if let Err(error) = timely(left, session.ping()).await {
            tracing::warn!(%error, "leadership was lost");
            return;
        }
        heard = asked;
    }
}

async fn timely<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "Postgres does not answer");
    timeout(limit, work).await.unwrap_or_else(|_| Err(late().into()))
}
