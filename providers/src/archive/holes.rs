//! The map of a file with holes, as `tar` has it in PAX 1.0: before the data, one number a line,
//! first how many parts there are, then where each begins and how long it is.

use std::io::Read;
use std::ops::Range;

use super::{ArchiveError, damaged, pax};

/// The most parts of one file: the map is kept in memory, with 16 bytes for each.
pub const MAX_PARTS: usize = 128 << 10;
const BLOCK: usize = 512;
/// The digits of the largest number.
const DIGITS: usize = 20;

/// A file that ends in a hole has an empty part there, without which `tar` makes it shorter.
pub fn write(parts: &[Range<u64>], length: u64) -> Vec<u8> {
    let end = parts.last().map_or(0, |part| part.end);
    let last = std::iter::once(length..length).filter(|last| last.start > end);
    let parts: Vec<_> = parts.iter().cloned().chain(last).collect();
    let mut text = format!("{}\n", parts.len());
    for part in &parts {
        text.push_str(&format!("{}\n{}\n", part.start, part.end - part.start));
    }
    let mut map = text.into_bytes();
    map.resize(map.len().next_multiple_of(BLOCK), 0);
    map
}

/// Reads the map from the front of an entry's data, and answers it with its own length.
pub fn read(from: impl Read, length: u64) -> Result<(Vec<Range<u64>>, u64), ArchiveError> {
    let bad = || ArchiveError::Damaged("the holes of a file are not right".to_owned());
    let mut numbers = Numbers { from, block: [0; BLOCK], at: BLOCK, blocks: 0 };
    let count = usize::try_from(numbers.next()?.ok_or_else(bad)?).map_err(|_| bad())?;
    if count > MAX_PARTS + 1 {
        return Err(bad());
    }
    let mut parts: Vec<Range<u64>> = Vec::new();
    for number in 1..=count {
        let start = numbers.next()?.ok_or_else(bad)?;
        let end = numbers.next()?.and_then(|size| start.checked_add(size)).ok_or_else(bad)?;
        let before = parts.last().map_or(0, |part| part.end);
        if start < before || end > length {
            return Err(bad());
        }
        match start == end {
            false => parts.push(start..end),
            true if number == count && end == length => {}
            true => return Err(bad()),
        }
    }
    Ok((parts, numbers.blocks * BLOCK as u64))
}

struct Numbers<R> {
    from: R,
    block: [u8; BLOCK],
    at: usize,
    blocks: u64,
}

impl<R: Read> Numbers<R> {
    /// The next line's number; `None` when it is none.
    fn next(&mut self) -> Result<Option<u64>, ArchiveError> {
        let mut digits = Vec::with_capacity(DIGITS);
        loop {
            if self.at == BLOCK {
                self.from.read_exact(&mut self.block).map_err(damaged)?;
                self.at = 0;
                self.blocks += 1;
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' => return Ok(pax::number(&digits)),
                byte if digits.len() < DIGITS => digits.push(byte),
                _ => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_as_it_was_written() {
        let many: Vec<_> = (0..5_000).map(|n| n * 8_192..n * 8_192 + 4_096).collect();
        for parts in [vec![], vec![5..6, 6..9, 1 << 40..(1 << 40) + 1], many] {
            let map = write(&parts, 1 << 50);
            assert_eq!(map.len() % BLOCK, 0);
            let after = [&map[..], b"data"].concat();
            let (seen, length) = read(&after[..], 1 << 50).unwrap();
            assert_eq!((seen, length), (parts, map.len() as u64));
        }
    }

    #[test]
    fn parts_that_overlap_or_pass_the_end_are_refused() {
        for text in [
            "1\n0\n11\n",
            "2\n4\n2\n5\n1\n",
            "1\n3\n0\n",
            "2\n10\n0\n10\n0\n",
            "1\n18446744073709551615\n2\n",
            "1\n-1\n2\n",
            "99999999\n",
            "999999999999999999999999\n",
            "",
        ] {
            let mut map = text.as_bytes().to_vec();
            map.resize(BLOCK, 0);
            assert!(read(&map[..], 10).is_err(), "{text:?}");
        }
    }
}
