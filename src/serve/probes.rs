//! What a process without the API role serves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use theazo_api::Ready;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Parts, announce};
use crate::runtime::Runtime;

/// How long the log may take to say where its end is.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn serve(
    parts: &Parts,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let at = listener.local_addr()?.to_string();
    if !announce::address(&parts.config, &at) {
        println!("Theazo's probes are at http://{at}/readyz (no API: its role is another's)");
    }
    let ready = Arc::new(Stores { runtime: parts.runtime.clone(), shutdown: shutdown.clone() });
    theazo_api::serve_probes(listener, ready, shutdown).await?;
    Ok(())
}

/// A process takes work while it reaches what all share.
struct Stores {
    runtime: Arc<Runtime>,
    shutdown: CancellationToken,
}

#[async_trait]
impl Ready for Stores {
    async fn ready(&self) -> Result<(), String> {
        if self.shutdown.is_cancelled() {
            return Err("it is shutting down".to_owned());
        }
        let head = tokio::time::timeout(PATIENCE, self.runtime.log.head()).await;
        head.map_err(|_| "the log does not answer".to_owned())?.map_err(|e| e.to_string())?;
        if self.runtime.bus.connected_since().is_none() {
            return Err("the message bus cannot be reached".to_owned());
        }
        Ok(())
    }
}
