//! Messages of HTTP/1.1, as far as a proxy has to know them: where they end.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest head that is read.
const LONGEST_HEAD: usize = 64 << 10;

/// The first line and the headers, as they came.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub bytes: Vec<u8>,
    text: String,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Exactly(usize),
    Chunked,
    /// It ends with the connection.
    Close,
}

impl Head {
    /// `None` when the connection ends where a message could begin.
    pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            if from.read_until(b'\n', &mut bytes).await? == 0 {
                return if before == 0 { Ok(None) } else { Err(broken("a head has no end")) };
            }
            if bytes.len() > LONGEST_HEAD {
                return Err(broken("a head is too long"));
            }
            if matches!(&bytes[before..], b"\r\n" | b"\n") {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(Some(Self { bytes, text }));
            }
        }
    }

    /// `POST /v1/sessions HTTP/1.1`.
    pub fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Attempts of one request have this in common.
    pub fn identity(&self) -> String {
        format!("{} {}", self.first_line(), self.header("idempotency-key").unwrap_or_default())
    }

    /// Whether a request is for a stream of events.
    pub fn wants_stream(&self) -> bool {
        let path = self.first_line().split([' ', '?']).nth(1).unwrap_or_default();
        path.ends_with("/stream")
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    pub fn request_length(&self) -> io::Result<Length> {
        Ok(match self.length()? {
            Length::Close => Length::Exactly(0),
            length => length,
        })
    }

    /// Of an answer to this request.
    pub fn answer_length(&self, request: &Head) -> io::Result<Length> {
        let status = self.first_line().split(' ').nth(1).unwrap_or_default();
        if request.first_line().starts_with("HEAD ") || matches!(status, "204" | "304") {
            return Ok(Length::Exactly(0));
        }
        self.length()
    }

    fn length(&self) -> io::Result<Length> {
        if let Some(coding) = self.header("transfer-encoding") {
            return match coding.eq_ignore_ascii_case("chunked") {
                true => Ok(Length::Chunked),
                false => Err(broken("a transfer coding that is not `chunked`")),
            };
        }
        match self.header("content-length") {
            Some(length) => {
                length.parse().map(Length::Exactly).map_err(|_| broken("a length is not a number"))
            }
            None => Ok(Length::Close),
        }
    }

    /// The head of the same message with another length, or in chunks.
    pub fn with(&self, length: Length) -> Vec<u8> {
        let framing = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            ["content-length", "transfer-encoding", "connection"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        };
        let mut lines: Vec<&str> =
            self.text.trim_end().lines().filter(|line| !framing(line)).collect();
        let length = match length {
            Length::Exactly(n) => format!("content-length: {n}"),
            Length::Chunked => "transfer-encoding: chunked".to_owned(),
            Length::Close => "connection: close".to_owned(),
        };
        lines.push(&length);
        format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
    }
}

/// A whole body, without its framing.
pub(super) async fn body(
    from: &mut (impl AsyncBufRead + Unpin),
    length: Length,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match length {
        Length::Exactly(n) => {
            bytes.resize(n, 0);
            from.read_exact(&mut bytes).await?;
        }
        Length::Chunked => {
            while let Some(chunk) = chunk(from).await? {
                bytes.extend(chunk);
            }
        }
        Length::Close => {
            from.read_to_end(&mut bytes).await?;
        }
    }
    Ok(bytes)
}

/// The next chunk; `None` for the last one.
pub(super) async fn chunk(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let size = line(from).await?;
    let digits = size.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(digits, 16).map_err(|_| broken("a chunk has no size"))?;
    if size == 0 {
        while !line(from).await?.is_empty() {}
        return Ok(None);
    }
    let mut bytes = vec![0; size];
    from.read_exact(&mut bytes).await?;
    match line(from).await?.is_empty() {
        true => Ok(Some(bytes)),
        false => Err(broken("a chunk is longer than its size")),
    }
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

pub(super) fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
