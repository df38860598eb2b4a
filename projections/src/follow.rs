//! Hearing where the process that projects is, wherever it runs.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::dialect::{CHANNEL, Pool};
use crate::standing::{Seen, Standing, Told};

/// How often the database is looked at without being told to.
const LOOK: Duration = Duration::from_secs(2);
/// How long the listening connection has to show that it is not cut off.
const ANSWER: Duration = Duration::from_secs(5);
const BACKOFF: Duration = Duration::from_millis(500);

/// Keeps `standing` as the database tells, until it is dropped.
pub(crate) async fn follow(
    readers: Pool,
    listener: PgPool,
    standing: Arc<watch::Sender<Standing>>,
) {
    loop {
        let reason = match listen(&readers, &listener, &standing).await {
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => error.to_string(),
            Ok(()) => continue,
        };
        tracing::warn!(reason, "the read models' database is not heard");
        // Without the listening connection too it is known where they stand, if later.
        if let Err(error) = look(&readers, &standing).await {
            let reason = format!("the read models' database cannot be reached: {error}");
            standing.send_modify(|standing| standing.cut_off = Some(reason.into()));
        }
        sleep(BACKOFF).await;
    }
}

/// Listens until the connection is lost.
async fn listen(
    readers: &Pool,
    pool: &PgPool,
    standing: &watch::Sender<Standing>,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // After it listens, so that nothing falls between.
    look(readers, standing).await?;
    loop {
        match timeout(LOOK, listener.try_recv()).await {
            Ok(Ok(Some(heard))) => {
                let mut to_look = false;
                let told = Told::parse(heard.payload());
                standing.send_modify(|standing| to_look = standing.hear(&told));
                if to_look {
                    look(readers, standing).await?;
                }
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                look(readers, standing).await?;
                answers(&mut listener).await?;
            }
        }
    }
}

async fn look(readers: &Pool, standing: &watch::Sender<Standing>) -> Result<(), sqlx::Error> {
    let seen = Seen::load(readers).await?;
    standing.send_modify(|standing| standing.see(&seen));
    Ok(())
}

async fn answers(listener: &mut PgListener) -> Result<(), sqlx::Error> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "Postgres does not answer");
    let asked = timeout(ANSWER, listener.execute("SELECT 1")).await;
    asked.unwrap_or_else(|_| Err(late().into()))?;
    Ok(())
}
