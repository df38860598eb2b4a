//! The last events of a stream, for all who read it live.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::frame::Frame;

/// What readers may be behind: events of this age go, where there are more than so many, or more
/// bytes. A commit may make many large ones at once: age gives everybody time to take them.
const AGE: Duration = Duration::from_secs(10);
const FRAMES: usize = 128;
const BYTES: usize = 32 << 10;
/// What goes at any age.
const MAX_FRAMES: usize = 4_096;
const MAX_BYTES: usize = 16 << 20;

/// Events by number, from 0 on; the oldest go.
pub(super) struct Ring {
    /// The number of the oldest one that is here.
    first: u64,
    frames: VecDeque<(Instant, Frame)>,
    bytes: usize,
    /// Where a reader is that has everything before the oldest one here.
    base: Cursor,
    /// Where a reader is that has everything.
    head: Cursor,
}

/// What a ring has for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    Event(Bytes),
    /// The reader came with it: it was ahead then.
    Had,
    /// Nothing new.
    Nothing,
    /// It has gone: the reader was too slow.
    Gone,
}

impl Ring {
    pub fn new(at: Cursor) -> Self {
        Self { first: 0, frames: VecDeque::new(), bytes: 0, base: at, head: at }
    }

    /// Adds what comes next. Nobody needs anything for being at `head` then.
    pub fn push(&mut self, frames: Vec<Frame>, head: Cursor) {
        let now = Instant::now();
        for frame in frames {
            self.bytes += frame.bytes.len();
            self.frames.push_back((now, frame));
        }
        self.head = head;
        while let Some((made, _)) = self.frames.front() {
            let old = now.duration_since(*made) >= AGE;
            let many = self.frames.len() > FRAMES || self.bytes > BYTES;
            let too_many = self.frames.len() > MAX_FRAMES || self.bytes > MAX_BYTES;
            // The newest stays, whatever its size.
            if self.frames.len() == 1 || !(too_many || (old && many)) {
                break;
            }
            if let Some((_, gone)) = self.frames.pop_front() {
                self.bytes -= gone.bytes.len();
                self.base = gone.end;
                self.first += 1;
            }
        }
    }

    /// The number of the first event for a reader at `cursor`; `None` when that is not here.
    pub fn place(&self, cursor: Cursor) -> Option<u64> {
        if cursor < self.base {
            return None;
        }
        let had = self.frames.partition_point(|(_, frame)| frame.end <= cursor);
        Some(self.first + had as u64)
    }

    /// The event with this number, or what is missing of it for a reader that came at `cursor`.
    pub fn get(&self, number: u64, cursor: Cursor) -> Got {
        let Some(index) = number.checked_sub(self.first) else { return Got::Gone };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match self.frames.get(index) {
            Some((_, frame)) if frame.end <= cursor => Got::Had,
            Some((_, frame)) => Got::Event(frame.rest_for(cursor)),
            None => Got::Nothing,
        }
    }

    pub fn head(&self) -> Cursor {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::Position;

    use super::*;

    fn frame(n: u64, size: usize) -> Frame {
        Frame::event(Cursor::after(Position(n)), "status", &"x".repeat(size)).unwrap()
    }

    fn has(ring: &Ring, number: u64) -> bool {
        matches!(ring.get(number, Cursor::START), Got::Event(_))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_young_stays() {
        let mut ring = Ring::new(Cursor::START);
        for n in 1..=1_000 {
            ring.push(vec![frame(n, 100)], Cursor::after(Position(n)));
        }
        assert!(has(&ring, 0), "a reader may take its time");
        tokio::time::advance(AGE).await;
        ring.push(vec![frame(1_001, 100)], Cursor::after(Position(1_001)));
        assert_eq!(ring.get(0, Cursor::START), Got::Gone);
        assert!(has(&ring, 1_000));
        assert!(ring.frames.len() <= FRAMES && ring.bytes <= BYTES);
        assert_eq!(ring.place(Cursor::START), None);
        assert_eq!(ring.place(Cursor::after(Position(1_000))), Some(1_000));
        assert_eq!(ring.place(Cursor::after(Position(1_001))), Some(1_001));
        assert_eq!(ring.get(1_001, Cursor::START), Got::Nothing);
    }

    #[tokio::test]
    async fn a_reader_that_was_ahead_gets_nothing_twice() {
        let at = |n| Cursor::after(Position(n));
        let mut ring = Ring::new(at(1));
        ring.push(vec![frame(2, 1)], at(2));
        // It has read the log further than this was told.
        let ahead = at(3);
        let number = ring.place(ahead).unwrap();
        assert_eq!(ring.get(number, ahead), Got::Nothing);
        ring.push(vec![frame(3, 1), frame(4, 1)], at(4));
        assert_eq!(ring.get(number, ahead), Got::Had);
        assert!(matches!(ring.get(number + 1, ahead), Got::Event(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_an_end_to_patience_and_one_is_always_kept() {
        let mut ring = Ring::new(Cursor::START);
        for n in 1..=3 {
            ring.push(vec![frame(n, MAX_BYTES)], Cursor::after(Position(n)));
            assert_eq!(ring.frames.len(), 1);
        }
        assert!(has(&ring, 2));
        for n in 4..=10_000 {
            ring.push(vec![frame(n, 1)], Cursor::after(Position(n)));
        }
        assert_eq!(ring.frames.len(), MAX_FRAMES);
    }
}
