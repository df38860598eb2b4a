use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Reply, answer};
use crate::folder::Folder;
use crate::runtime::Runtime;

/// Answers the command line on the folder's socket until `stop`. Only the folder's owner can
/// connect. Without the socket (a path too long for one, say) the server is as good, but the
/// command line cannot reach it.
pub async fn serve(runtime: Arc<Runtime>, stop: CancellationToken) {
    if let Err(error) = listen(runtime, stop).await {
        tracing::error!(error = format!("{error:#}"), "the command line cannot reach this server");
    }
}

async fn listen(runtime: Arc<Runtime>, stop: CancellationToken) -> anyhow::Result<()> {
    let path = Folder::socket(&runtime.folder()?.path);
    // Of a server that was killed; the folder's lock says that it is gone.
    std::fs::remove_file(&path).ok();
    let listener = UnixListener::bind(&path).with_context(|| format!("{}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (stream, _) = accepted?;
        let (runtime, stop) = (runtime.clone(), stop.clone());
        tokio::spawn(async move {
            if let Some(Err(error)) = stop.run_until_cancelled(talk(&runtime, stream)).await {
                tracing::debug!(%error, "the command line went away");
            }
        });
    }
    std::fs::remove_file(&path).ok();
    Ok(())
}

async fn talk(runtime: &Arc<Runtime>, stream: UnixStream) -> anyhow::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut line = String::new();
    BufReader::new(input).read_line(&mut line).await?;
    let request = serde_json::from_str(&line)?;
    let (to, mut replies) = mpsc::channel(64);
    // Both end when the other side goes away: the writer fails, then the sender finds no receiver.
    let write = async {
        while let Some(reply) = replies.recv().await {
            output.write_all(&encode(&reply)?).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        written = write => written,
        () = async { answer(runtime, request, to).await; std::future::pending().await } => Ok(()),
    }
}

fn encode(reply: &Reply) -> anyhow::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    Ok(line)
}
