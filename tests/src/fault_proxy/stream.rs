//! Streams of events, byte by byte.

use std::io;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::deliver::{chunk_of, reset};
use super::fault::Fault;
use super::message::{Head, Length, chunk};
use super::plan::Plan;

/// A stream is cut within so many bytes.
const WITHIN: u64 = 1500;

/// Where a stream is cut.
struct Cut {
    fault: Fault,
    /// Bytes that are still let through.
    left: u64,
    /// The end of what was let through.
    tail: [u8; 2],
}

impl Cut {
    /// How many of these bytes are let through; fewer than there are when it is over.
    fn passes(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            // An end between two frames would be no broken frame.
            let between = self.fault == Fault::StreamEnded && self.tail == *b"\n\n";
            if self.left == 0 && !between {
                return at;
            }
            self.left = self.left.saturating_sub(1);
            self.tail = [self.tail[1], *byte];
        }
        bytes.len()
    }
}

/// Passes a stream on until it ends, or the fault ends it; whether the connection goes on.
pub(super) async fn pass(
    answer: &Head,
    server: &mut BufReader<TcpStream>,
    client: &mut BufReader<TcpStream>,
    fault: Option<Fault>,
    plan: &Plan,
) -> io::Result<bool> {
    client.write_all(&answer.with(Length::Chunked)).await?;
    let mut cut = match fault {
        Some(fault @ (Fault::StreamCut | Fault::StreamEnded)) => {
            Some(Cut { fault, left: plan.below(WITHIN), tail: *b"\n\n" })
        }
        _ => None,
    };
    if fault == Some(Fault::StreamInBytes) {
        plan.has_done(Fault::StreamInBytes);
    }
    while let Some(bytes) = chunk(server).await? {
        let passed = cut.as_mut().map_or(bytes.len(), |cut| cut.passes(&bytes));
        send(client, &bytes[..passed], fault).await?;
        let Some(cut) = cut.as_ref().filter(|_| passed < bytes.len()) else { continue };
        plan.has_done(cut.fault);
        match cut.fault {
            Fault::StreamEnded => client.write_all(b"0\r\n\r\n").await?,
            _ if plan.below(2) == 0 => reset(client.get_ref()),
            _ => {}
        }
        return Ok(false);
    }
    client.write_all(b"0\r\n\r\n").await?;
    Ok(true)
}

async fn send(
    client: &mut BufReader<TcpStream>,
    bytes: &[u8],
    fault: Option<Fault>,
) -> io::Result<()> {
    let size = if fault == Some(Fault::StreamInBytes) { 1 } else { bytes.len().max(1) };
    for piece in bytes.chunks(size) {
        client.write_all(&chunk_of(piece)).await?;
        if size == 1 {
            // What is ready of the other connections goes first, so that a client reads it alone.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}
