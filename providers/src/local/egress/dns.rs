//! The sandbox's name server: an allowed name has an address of ours, any other does not exist.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use super::dial;
use super::names::FakeNames;
use super::policy::{Policy, normal};

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
const NO_ERROR: u8 = 0;
const FORMAT_ERROR: u8 = 1;
const NO_SUCH_NAME: u8 = 3;
const NOT_IMPLEMENTED: u8 = 4;
/// Seconds for which an answer may be kept.
const TTL: u32 = 30;
/// Questions of one sandbox that are looked up at once; more are dropped, and asked again.
const MAX_QUESTIONS: usize = 64;

pub async fn serve_udp(socket: UdpSocket, policy: Arc<Policy>, names: Arc<FakeNames>) {
    let socket = Arc::new(socket);
    let limit = Arc::new(Semaphore::new(MAX_QUESTIONS));
    let mut buffer = [0; 1_500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { return };
        let Ok(permit) = Arc::clone(&limit).try_acquire_owned() else { continue };
        let question = buffer[..length].to_vec();
        let (socket, policy, names) =
            (Arc::clone(&socket), Arc::clone(&policy), Arc::clone(&names));
        tokio::spawn(async move {
            if let Some(reply) = answer(&question, &policy, &names).await {
                // Lost like any datagram; the program asks again.
                let _ = socket.send_to(&reply, from).await;
            }
            drop(permit);
        });
    }
}

pub async fn serve_tcp(
    mut stream: TcpStream,
    policy: Arc<Policy>,
    names: Arc<FakeNames>,
) -> io::Result<()> {
    loop {
        let length = match stream.read_u16().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        };
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await?;
        let Some(reply) = answer(&question, &policy, &names).await else { return Ok(()) };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&reply).await?;
    }
}

struct Question {
    name: String,
    kind: u16,
    class: u16,
    /// Where it ends in the message.
    end: usize,
}

/// The answer to a message; `None` for what is not a question.
async fn answer(message: &[u8], policy: &Policy, names: &FakeNames) -> Option<Vec<u8>> {
    let flags = *message.get(2)?;
    if message.len() < HEADER || flags & 0x80 != 0 {
        return None;
    }
    if flags & 0x78 != 0 {
        return Some(reply(message, HEADER, NOT_IMPLEMENTED, None));
    }
    let Some(question) = parse(message) else {
        return Some(reply(message, HEADER, FORMAT_ERROR, None));
    };
    let allowed = question.class == CLASS_IN && policy.allows(&question.name);
    let (code, address) = if !allowed || !dial::exists(policy, &question.name).await {
        (NO_SUCH_NAME, None)
    } else if question.kind == TYPE_A {
        (NO_ERROR, Some(names.address(&question.name)))
    } else {
        // The name exists and has nothing of this kind, IPv6 above all.
        (NO_ERROR, None)
    };
    Some(reply(message, question.end, code, address))
}

fn parse(message: &[u8]) -> Option<Question> {
    if message.get(4..6)? != [0, 1] {
        return None;
    }
    let mut name = String::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        // A question has no pointers.
        let label = (length < 64).then(|| message.get(at..at + length))??;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        if !label.iter().all(plain) || name.len() + length > 253 {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).ok()?);
        at += length;
    }
    let word = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let (kind, class) = (word(at)?, word(at + 2)?);
    Some(Question { name: normal(&name), kind, class, end: at + 4 })
}

fn reply(message: &[u8], end: usize, code: u8, address: Option<Ipv4Addr>) -> Vec<u8> {
    let questions = u8::from(end > HEADER);
    let mut reply = message[..end].to_vec();
    // An answer, recursion desired as asked, recursion available.
    reply[2] = 0x80 | (message[2] & 0x01);
    reply[3] = 0x80 | code;
    reply[4..HEADER].copy_from_slice(&[0, questions, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        // The name is the question's.
        reply.extend_from_slice(&[0xc0, HEADER as u8]);
        reply.extend_from_slice(&TYPE_A.to_be_bytes());
        reply.extend_from_slice(&CLASS_IN.to_be_bytes());
        reply.extend_from_slice(&TTL.to_be_bytes());
        reply.extend_from_slice(&4u16.to_be_bytes());
        reply.extend_from_slice(&address.octets());
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&[0, kind as u8, 0, 1]);
        message
    }

    #[test]
    fn a_question_is_read() {
        let asked = parse(&question("Api.Example.com", 28)).unwrap();
        assert_eq!((asked.name.as_str(), asked.kind), ("api.example.com", 28));
    }

    #[test]
    fn nonsense_is_refused_and_never_panics() {
        let whole = question("a.example", 1);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_none());
        }
        assert!(parse(&question("a b.example", 1)).is_none());
    }

    #[test]
    fn an_answer_holds_the_question_and_the_address() {
        let message = question("a.example", 1);
        let answer = reply(&message, message.len(), NO_ERROR, Some(Ipv4Addr::new(198, 18, 0, 1)));
        assert_eq!(answer[..2], [0xab, 0xcd]);
        assert_eq!(answer[6..8], [0, 1]);
        assert!(answer.ends_with(&[198, 18, 0, 1]));
    }
}
