//! A call as it crosses a tunnel: its head as JSON, then its body as it is.
//!
//! ```text
//!  length of the head (u32) │ length of the body (u64) │ head │ body
//! ```

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use theazo_domain::{AgentId, ExecutionId, FileOperationId, Scope};
use theazo_log::Position;
use theazo_providers::{Call, Lang};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::WireError;

/// Bytes of a head: paths and messages.
const HEAD_MAX: usize = 1 << 20;
/// Bytes of a body: a file (the API takes and the host reads 32 MiB at most), or a long directory.
const BODY_MAX: u64 = 64 << 20;
/// What a body is read in, so that a length alone takes no memory.
const STEP: usize = 1 << 20;

/// What is asked of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub scope: Scope,
    pub agent: AgentId,
    /// The agent's revision, as the caller knows it: the host must not know less.
    pub since: Position,
    pub what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum What {
    /// The body is the code.
    Exec {
        call: Call,
        id: ExecutionId,
        lang: Lang,
    },
    ReadFile {
        call: Call,
        path: String,
    },
    ListFiles {
        call: Call,
        path: String,
    },
    /// The body is the file.
    WriteFile {
        call: Call,
        id: FileOperationId,
        path: String,
    },
    DeleteFile {
        call: Call,
        id: FileOperationId,
        path: String,
    },
    /// What follows the answer is the connection.
    Connect {
        port: u16,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// The body is the first `stdout` bytes of stdout, then stderr.
    Ran {
        id: ExecutionId,
        exit_code: i32,
        duration_ms: u64,
        truncated: bool,
        stdout: usize,
    },
    /// The body is the file.
    File,
    /// The body is the entries, as JSON.
    Entries,
    Done,
    Connected,
    Failed(WireError),
}

pub(super) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    head: &impl Serialize,
    body: &[&[u8]],
) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length: usize = body.iter().map(|part| part.len()).sum();
    if head.len() > HEAD_MAX || length as u64 > BODY_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is too large to be sent"));
    }
    let mut start = BytesMut::with_capacity(12 + head.len());
    // Both lengths are within their limits.
    start.put_u32(u32::try_from(head.len()).unwrap_or(u32::MAX));
    start.put_u64(length as u64);
    start.put_slice(&head);
    to.write_all(&start).await?;
    for part in body {
        to.write_all(part).await?;
    }
    to.flush().await
}

/// The head and the length of the body that follows.
pub(super) async fn receive_head<H: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<(H, u64)> {
    let head = from.read_u32().await? as usize;
    let body = from.read_u64().await?;
    if head > HEAD_MAX || body > BODY_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large to be received"));
    }
    let mut bytes = vec![0; head];
    from.read_exact(&mut bytes).await?;
    Ok((serde_json::from_slice(&bytes)?, body))
}

pub(super) async fn receive_body(
    from: &mut (impl AsyncRead + Unpin),
    length: u64,
) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut from = from.take(length as u64);
    let mut body = BytesMut::with_capacity(length.min(STEP));
    while body.len() < length {
        if body.capacity() == body.len() {
            body.reserve((length - body.len()).min(body.len().max(STEP)));
        }
        if from.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(body.freeze())
}

pub(super) async fn receive<H: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<(H, Bytes)> {
    let (head, length) = receive_head(from).await?;
    Ok((head, receive_body(from, length).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_is_received() {
        let large = vec![7; 3 * STEP + 5];
        let bodies: [&[&[u8]]; 4] = [&[], &[b"abc"], &[b"", b"a", b"bc"], &[&large, b"x"]];
        for body in bodies {
            let mut sent = Vec::new();
            send(&mut sent, &Answer::File, body).await.unwrap();
            let (head, received) = receive::<Answer>(&mut sent.as_slice()).await.unwrap();
            assert!(matches!(head, Answer::File));
            assert_eq!(received, body.concat());
        }
    }

    #[tokio::test]
    async fn what_is_cut_off_or_too_large_is_an_error() {
        let mut sent = Vec::new();
        send(&mut sent, &Answer::File, &[b"abc"]).await.unwrap();
        for length in 0..sent.len() {
            let cut = receive::<Answer>(&mut &sent[..length]).await.unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        }
        for lengths in [[0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0], [255; 12]] {
            let large = receive::<Answer>(&mut &lengths[..]).await.unwrap_err();
            assert_eq!(large.kind(), io::ErrorKind::InvalidData);
        }
    }
}
