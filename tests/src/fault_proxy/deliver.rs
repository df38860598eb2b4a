use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::fault::Fault;
use super::message::{Head, Length};
use super::plan::Plan;

/// A slow answer comes in so many pieces at most, with such a pause before each.
const PIECES: usize = 24;
const PAUSE: Duration = Duration::from_millis(2);

/// The connection will be reset when it is dropped, instead of closed.
pub(super) fn reset(client: &TcpStream) {
    // One that is gone already needs no reset.
    let _ = client.set_zero_linger();
}

/// Gives an answer to the client, or what is left of it; whether the connection goes on.
pub(super) async fn deliver(
    answer: &Head,
    content: &[u8],
    client: &mut BufReader<TcpStream>,
    fault: Option<Fault>,
    plan: &Plan,
) -> io::Result<bool> {
    let whole = || [answer.with(Length::Exactly(content.len())), content.to_vec()].concat();
    let Some(fault) = fault else {
        client.write_all(&framed(answer, content)).await?;
        return Ok(true);
    };
    plan.has_done(fault);
    match fault {
        Fault::Slow => {
            let bytes = framed(answer, content);
            for piece in bytes.chunks(bytes.len().div_ceil(PIECES)) {
                tokio::time::sleep(PAUSE).await;
                client.write_all(piece).await?;
            }
            return Ok(true);
        }
        Fault::AnswerCut => {
            // Half of the head, where there is no body.
            let bytes = whole();
            let kept = bytes.len() - content.len().max(2).div_ceil(2);
            client.write_all(&bytes[..kept]).await?;
        }
        Fault::ChunksCut => {
            let half = &content[..content.len() / 2];
            client.write_all(&answer.with(Length::Chunked)).await?;
            if !half.is_empty() {
                client.write_all(&chunk_of(half)).await?;
            }
        }
        // Dropped.
        _ => {}
    }
    if plan.below(2) == 0 {
        reset(client.get_ref());
    }
    Ok(false)
}

/// The answer as it is to be: with its length, unless it may have none.
fn framed(answer: &Head, content: &[u8]) -> Vec<u8> {
    let has_length = content.is_empty() || answer.header("content-length").is_some();
    let head = match has_length {
        true if content.is_empty() => answer.bytes.clone(),
        _ => answer.with(Length::Exactly(content.len())),
    };
    [&head, content].concat()
}

/// One chunk of a chunked body.
pub(super) fn chunk_of(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
