//! Finds the numbered pieces of text in what a client reads.

use anyhow::{Context, ensure};

/// Longer than any piece is.
const MOST: usize = 64;

/// The pieces of one stream: `~NUMBER:MICROSECONDS;`, one number after the other.
#[derive(Default)]
pub struct Pieces {
    /// The beginning of a piece that was not whole yet.
    held: Vec<u8>,
    next: Option<u64>,
}

impl Pieces {
    /// When the pieces in `bytes` were sent. Whatever else is in them is skipped.
    ///
    /// # Errors
    /// When a piece is missing, or came twice, or is not whole.
    pub fn feed(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<u64>> {
        let mut sent = Vec::new();
        for &byte in bytes {
            match (byte, self.held.is_empty()) {
                (b'~', true) => self.held.push(byte),
                (_, true) => {}
                (b';', false) => {
                    let piece = std::mem::take(&mut self.held);
                    sent.push(self.piece(&piece[1..])?);
                }
                (_, false) => {
                    ensure!(self.held.len() < MOST, "a piece is not whole");
                    self.held.push(byte);
                }
            }
        }
        Ok(sent)
    }

    fn piece(&mut self, text: &[u8]) -> anyhow::Result<u64> {
        let text = std::str::from_utf8(text)?;
        let (number, micros) = text.split_once(':').context("a piece is not whole")?;
        let number: u64 = number.parse()?;
        let wanted = self.next.unwrap_or(number);
        ensure!(number == wanted, "piece {number} came where {wanted} was to come");
        self.next = Some(number + 1);
        Ok(micros.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_wherever_they_are_cut() {
        let bytes = b"x: ~7:100;\r\n~8:200;~9:300;--";
        for cut in 0..bytes.len() {
            let mut pieces = Pieces::default();
            let mut sent = pieces.feed(&bytes[..cut]).unwrap();
            sent.extend(pieces.feed(&bytes[cut..]).unwrap());
            assert_eq!(sent, [100, 200, 300]);
        }
    }

    #[test]
    fn a_gap_and_a_repeat_are_errors() {
        assert!(Pieces::default().feed(b"~1:1;~3:1;").is_err());
        assert!(Pieces::default().feed(b"~1:1;~1:1;").is_err());
    }
}
