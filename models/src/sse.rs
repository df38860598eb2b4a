//! Server-sent events, read with tolerance: <https://html.spec.whatwg.org/#parsing-an-event-stream>
//!
//! Beyond the standard: an event whose last line is whole counts even when the blank line after it
//! is missing at the end of the stream. Text that is not UTF-8 is read as well as it can be.

use std::collections::VecDeque;

/// One event. A stream of events without names has empty ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    pub name: String,
    /// The data lines, joined by newlines.
    pub data: String,
}

/// The stream is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Takes bytes however they were split, gives events.
#[derive(Debug)]
pub struct SseParser {
    ready: VecDeque<SseEvent>,
    name: String,
    data: Option<String>,
    line: Vec<u8>,
    after_cr: bool,
    first_line: bool,
    /// Bytes that may still come.
    left: usize,
}

impl SseParser {
    /// `limit`: bytes of the whole stream.
    pub fn new(limit: usize) -> Self {
        Self {
            ready: VecDeque::new(),
            name: String::new(),
            data: None,
            line: Vec::new(),
            after_cr: false,
            first_line: true,
            left: limit,
        }
    }

    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(TooLong)?;
        while let Some(first) = bytes.first() {
            // A CRLF may have been split between two chunks.
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            match bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                Some(end) => {
                    self.line.extend_from_slice(&bytes[..end]);
                    self.after_cr = bytes[end] == b'\r';
                    bytes = &bytes[end + 1..];
                    self.end_line();
                }
                None => {
                    self.line.extend_from_slice(bytes);
                    break;
                }
            }
        }
        Ok(())
    }

    /// The stream is over: an event that lacks nothing but its blank line is given out.
    pub fn end(&mut self) {
        if self.line.is_empty() {
            self.dispatch();
        }
    }

    pub fn next(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if std::mem::take(&mut self.first_line) {
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        if bytes.is_empty() {
            self.dispatch();
        } else {
            self.field(&String::from_utf8_lossy(bytes));
        }
        // Its room is used again.
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.name),
            // Comments (an empty name), `id`, `retry`, and what nobody has thought of yet.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        if let Some(data) = self.data.take() {
            self.ready.push_back(SseEvent { name, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = SseParser::new(1 << 20);
        for chunk in chunks {
            parser.push(chunk).unwrap();
        }
        parser.end();
        std::iter::from_fn(|| parser.next()).map(|e| (e.name, e.data)).collect()
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_names_and_comments() {
        let text = b": OPENROUTER PROCESSING\n\nevent: a\ndata: 1\ndata:2\nid: 7\n\ndata\n\nevent: b\n\ndata:  x\n\n";
        assert_eq!(parse(&[text]), [event("a", "1\n2"), event("", ""), event("", " x")]);
    }

    #[test]
    fn all_line_ends_and_a_byte_order_mark() {
        let text = b"\xEF\xBB\xBFdata: 1\r\n\r\ndata: 2\r\rdata: 3\n\n";
        assert_eq!(parse(&[text]), [event("", "1"), event("", "2"), event("", "3")]);
        assert_eq!(parse(&[b"data: 1\r", b"\n\r", b"\n"]), [event("", "1")]);
    }

    #[test]
    fn the_end_of_the_stream() {
        assert_eq!(parse(&[b"data: [DONE]\n"]), [event("", "[DONE]")]);
        assert_eq!(parse(&[b"data: 1\n\ndata: {\"half"]), [event("", "1")]);
    }

    #[test]
    fn too_much_is_refused() {
        let mut parser = SseParser::new(10);
        assert_eq!(parser.push(b"data: 1\n\n"), Ok(()));
        assert_eq!(parser.push(b"da"), Err(TooLong));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            lines in prop::collection::vec("(data|event|:|)?:? ?[a-zé\u{1F600}]{0,6}(\n|\r|\r\n){1,2}", 0..30),
            cuts in prop::collection::vec(1usize..9, 1..40),
        ) {
            let bytes = lines.concat().into_bytes();
            let mut chunks = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
                chunks.push(chunk);
                rest = tail;
            }
            prop_assert_eq!(parse(&chunks), parse(&[&bytes]));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            parse(&[&bytes]);
        }
    }
}
