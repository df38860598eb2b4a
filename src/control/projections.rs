use tokio::sync::mpsc;

use super::{Replies, Reply};
use crate::runtime::Runtime;

pub async fn list(runtime: &Runtime, to: &Replies) -> anyhow::Result<()> {
    for projection in runtime.reads.list(&*runtime.log).await? {
        let line = serde_json::json!({
            "name": projection.name,
            "position": projection.position,
            "rows": projection.rows,
            "behind": projection.behind,
            "error": projection.error,
        });
        to.send(Reply::Line(line.to_string())).await?;
    }
    Ok(())
}

/// Builds beside what serves, and swaps.
pub async fn rebuild(runtime: &Runtime, to: &Replies, name: Option<String>) -> anyhow::Result<()> {
    let (progress_to, mut progress_from) = mpsc::unbounded_channel();
    let name = name.as_deref();
    let names = name.as_ref().map(std::slice::from_ref);
    let log = runtime.log.clone();
    let rebuild = theazo_projections::rebuild(log, &runtime.reads, names, move |done, total| {
        // Whoever asked may have gone away: then nobody watches.
        progress_to.send((done, total)).ok();
    });
    let show = async {
        while let Some((done, total)) = progress_from.recv().await {
            let what = "rebuilding".to_owned();
            to.send(Reply::Progress { what, done, total }).await?;
        }
        anyhow::Ok(())
    };
    let (rebuilt, shown) = tokio::join!(rebuild, show);
    shown?;
    for made in rebuilt? {
        let line = format!("{}: rebuilt, as of position {}", made.name, made.position);
        to.send(Reply::Line(line)).await?;
    }
    Ok(())
}
