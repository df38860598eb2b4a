//! The head and the tail of an archive: what it is, and the hash that says it is whole.

use std::io::{self, Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use sha2::{Digest, Sha256};

use super::{ArchiveError, damaged};

/// A skippable frame with 16 bytes: the format and its version.
const HEAD: &[u8; 24] = b"\x50\x2a\x4d\x18\x10\0\0\0theazo snapshot1";
/// What is before the hash.
const TAIL: &[u8; 8] = b"\x51\x2a\x4d\x18\x20\0\0\0";
const TAIL_LENGTH: usize = TAIL.len() + 32;
const BUFFER: usize = 64 << 10;

fn frame() -> FrameInfo {
    FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max256KB)
}

pub fn compress<W: Write>(to: W) -> FrameEncoder<W> {
    FrameEncoder::with_frame_info(frame(), to)
}

/// Any tar as the body of an archive that is whole: what our own writer would not make.
#[cfg(test)]
pub fn around(tar: &[u8]) -> Vec<u8> {
    let mut body = compress(Sealer::new(Vec::new()).unwrap());
    body.write_all(tar).unwrap();
    body.finish().unwrap().finish().unwrap()
}

/// How the body begins: always the same, so that nobody else's choice of buffers reaches the
/// decoder.
pub fn frame_head() -> io::Result<Vec<u8>> {
    const LENGTH: usize = 7;
    let mut empty = compress(Vec::new()).finish().map_err(io::Error::other)?;
    empty.truncate(LENGTH);
    Ok(empty)
}

/// Writes the head, what it is given, and the tail.
pub struct Sealer<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Sealer<W> {
    pub fn new(to: W) -> io::Result<Self> {
        let mut sealer = Self { to, hash: Sha256::new() };
        sealer.write_all(HEAD)?;
        Ok(sealer)
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.to.write_all(TAIL)?;
        self.to.write_all(&self.hash.finalize())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let length = self.to.write(data)?;
        self.hash.update(&data[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads the body, and then says whether the hash was right.
pub struct Unsealer<R> {
    from: R,
    hash: Sha256,
    /// What was read and not handed on: at the end, the tail.
    held: Vec<u8>,
    start: usize,
    ended: bool,
}

impl<R: Read> Unsealer<R> {
    pub fn open(mut from: R) -> Result<Self, ArchiveError> {
        let mut head = [0; HEAD.len()];
        from.read_exact(&mut head).map_err(damaged)?;
        if head != *HEAD {
            let what = "it is no snapshot, or of another version of the server";
            return Err(ArchiveError::Damaged(what.to_owned()));
        }
        let hash = Sha256::new_with_prefix(head);
        Ok(Self { from, hash, held: Vec::new(), start: 0, ended: false })
    }

    /// Reads until more is held than a tail, or there is no more.
    fn fill(&mut self) -> io::Result<()> {
        self.held.drain(..self.start);
        self.start = 0;
        while !self.ended && self.held.len() <= TAIL_LENGTH {
            let length = self.held.len();
            self.held.resize(length + BUFFER, 0);
            let read = self.from.read(&mut self.held[length..]);
            self.held.truncate(length + *read.as_ref().unwrap_or(&0));
            self.ended = read? == 0;
        }
        Ok(())
    }

    /// To be called when the body has been read to its end.
    pub fn check(mut self) -> Result<(), ArchiveError> {
        if self.read(&mut [0]).map_err(damaged)? != 0 {
            return Err(ArchiveError::Damaged("there is more behind its end".to_owned()));
        }
        let wanted = [TAIL.as_slice(), &self.hash.finalize()].concat();
        match self.held[self.start..] == wanted {
            true => Ok(()),
            false => Err(ArchiveError::Damaged("its hash is not that of its content".to_owned())),
        }
    }
}

impl<R: Read> Read for Unsealer<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if !to.is_empty() && self.held.len() - self.start <= TAIL_LENGTH {
            self.fill()?;
        }
        let ready = (self.held.len() - self.start).saturating_sub(TAIL_LENGTH);
        let length = ready.min(to.len());
        let part = &self.held[self.start..self.start + length];
        to[..length].copy_from_slice(part);
        self.hash.update(part);
        self.start += length;
        Ok(length)
    }
}
