//! One event as it goes over the wire, made once and shared by all who read it.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use theazo_domain::TaskId;
use theazo_log::live::Voice;

use super::cursor::Cursor;
use crate::wire::stream::{Text, Thinking};

/// An event, rendered.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Where a reader is that has it.
    pub end: Cursor,
    pub bytes: Bytes,
    /// Set for a piece of a model's text: it can be cut.
    piece: Option<Piece>,
}

/// Where a piece of text is from.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// The offset of its first byte.
    from: u64,
    voice: Voice,
    task: TaskId,
    step: u32,
}

impl Frame {
    /// # Errors
    /// When `data` is not JSON: it then has a map whose keys are no strings.
    pub fn event(end: Cursor, name: &str, data: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self { end, bytes: render(Some(end), name, data)?, piece: None })
    }

    /// What a model's call says after its first `from` bytes; `at` is where a reader was.
    pub fn text(
        at: Cursor,
        (task, step): (TaskId, u32),
        (voice, text): (Voice, &str),
    ) -> serde_json::Result<Self> {
        let end = Cursor { text: at.text + text.len() as u64, ..at };
        let bytes = match voice {
            Voice::Text => render(Some(end), "text", &Text { delta: text, step, task_id: task })?,
            Voice::Reasoning => {
                render(Some(end), "thinking", &Thinking { text, step, task_id: task })?
            }
        };
        let piece = Piece { from: at.text, voice, task, step };
        Ok(Self { end, bytes, piece: Some(piece) })
    }

    /// What a reader that is at `cursor`, before the end of this frame, is still to be given.
    pub fn rest_for(&self, cursor: Cursor) -> Bytes {
        let whole = || self.bytes.clone();
        let Some(piece) = self.piece else { return whole() };
        let same = (cursor.commit, cursor.events) == (self.end.commit, self.end.events);
        if !same || cursor.text <= piece.from {
            return whole();
        }
        self.cut(piece, cursor).unwrap_or_else(whole)
    }

    /// The text is only in the bytes: it is read back from there for the few that need it.
    fn cut(&self, piece: Piece, cursor: Cursor) -> Option<Bytes> {
        let lines = std::str::from_utf8(&self.bytes).ok()?.lines();
        let data = lines.filter_map(|line| line.strip_prefix("data: ")).next()?;
        let data: serde_json::Value = serde_json::from_str(data).ok()?;
        let text = match piece.voice {
            Voice::Text => data["delta"].as_str(),
            Voice::Reasoning => data["text"].as_str(),
        }?;
        let skip = usize::try_from(cursor.text - piece.from).ok()?;
        let from = text.floor_char_boundary(skip);
        let at = Cursor { text: piece.from + from as u64, ..cursor };
        let rest = Frame::text(at, (piece.task, piece.step), (piece.voice, &text[from..]));
        rest.ok().map(|frame| frame.bytes)
    }
}

/// An event that is no part of the history, and moves nobody's place in it.
pub(super) fn aside(name: &str, data: &impl Serialize) -> Bytes {
    render(None, name, data).unwrap_or_default()
}

fn render(id: Option<Cursor>, name: &str, data: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut frame = String::with_capacity(192);
    if let Some(id) = id {
        // Writing to a string does not fail.
        let _ = writeln!(frame, "id: {id}");
    }
    let _ = write!(frame, "event: {name}\ndata: ");
    let json = serde_json::to_string(data)?;
    if json.contains(['\n', '\r']) {
        // What a model wrote as JSON is passed on as it is, and may have line breaks between its
        // tokens (within strings they are escaped). A line break ends a line of an event.
        frame.push_str(&json.replace(['\n', '\r'], " "));
    } else {
        frame.push_str(&json);
    }
    frame.push_str("\n\n");
    Ok(frame.into())
}

#[cfg(test)]
mod tests {
    use theazo_log::Position;

    use super::*;

    fn piece(at: u64, text: &str) -> Frame {
        let task = TaskId::from_uuid(uuid::Uuid::from_u128(1));
        let at = Cursor { text: at, ..Cursor::after(Position(9)) };
        Frame::text(at, (task, 2), (Voice::Text, text)).unwrap()
    }

    fn line<'a>(bytes: &'a Bytes, name: &str) -> &'a str {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap()
    }

    #[test]
    fn a_reader_within_a_piece_gets_the_rest() {
        let frame = piece(20, "one two");
        assert_eq!(frame.end.text, 27);
        let at = |text| Cursor { text, ..Cursor::after(Position(9)) };
        let delta = |cursor| {
            let bytes = frame.rest_for(cursor);
            assert_eq!(line(&bytes, "id: "), "9.27");
            let data: serde_json::Value = serde_json::from_str(line(&bytes, "data: ")).unwrap();
            data["delta"].as_str().unwrap().to_owned()
        };
        assert_eq!(delta(at(20)), "one two");
        assert_eq!(delta(at(24)), "two");
        assert_eq!(delta(Cursor::after(Position(8))), "one two");
    }

    #[test]
    fn an_event_is_never_broken_by_its_data() {
        let data = serde_json::value::RawValue::from_string("{\n\"a\":\r\n1}".to_owned()).unwrap();
        let frame = Frame::event(Cursor::START, "tool_call", &data).unwrap();
        let text = std::str::from_utf8(&frame.bytes).unwrap();
        assert_eq!(text, "id: 0\nevent: tool_call\ndata: { \"a\":  1}\n\n");
    }
}
