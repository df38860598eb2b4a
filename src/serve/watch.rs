//! Tasks that work until they are told to end.

use anyhow::bail;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Waits until all have ended. When one panics, nobody does its work any more: the others are
/// broken off, which they may be at any line, so that whoever starts next does all of it.
///
/// # Errors
/// When one panicked.
pub async fn ended(mut tasks: JoinSet<()>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        if let Err(broken) = ended {
            tasks.shutdown().await;
            bail!("a part of it broke off: {broken}");
        }
    }
    Ok(())
}

/// The same for tasks without which this process is no use: it is shut down when one panics.
pub async fn ended_or_shut_down(
    what: &'static str,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let ended = ended(tasks).await;
    if let Err(error) = &ended {
        tracing::error!(%error, "{what} cannot go on, so this server ends; start it again");
        shutdown.cancel();
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_others_and_shuts_down() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::ready(()));
        tasks.spawn(std::future::pending());
        tasks.spawn(async { panic!("as a test") });
        let shutdown = CancellationToken::new();
        let error = ended_or_shut_down("the test", tasks, shutdown.clone()).await.unwrap_err();
        assert!(error.to_string().contains("as a test"), "{error}");
        assert!(shutdown.is_cancelled());
    }

    #[tokio::test]
    async fn those_that_end_as_they_were_told_are_no_error() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::ready(()));
        let shutdown = CancellationToken::new();
        ended_or_shut_down("the test", tasks, shutdown.clone()).await.unwrap();
        assert!(!shutdown.is_cancelled());
    }
}
