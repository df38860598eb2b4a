//! Reading an archive of which nothing is believed.

use std::ffi::CString;
use std::io::{self, Read};
use std::ops::Range;

use lz4_flex::frame::FrameDecoder;
use tar::{Entry, EntryType};

use super::budget::Budget;
use super::holes;
use super::pax::Records;
use super::seal::{Unsealer, frame_head};
use super::{ArchiveError, MAX_NAME, MAX_PATH, Meta, Sink, damaged};

const CHUNK: usize = 128 << 10;
/// What `tar` puts behind the last entry, at most.
const END: u64 = 10 << 10;

/// Unpacks an archive that may fill what a sandbox with this disk limit may. What the sink was
/// given is to be thrown away unless this answers that all is well.
pub fn read(from: impl Read, limit: u64, sink: &mut impl Sink) -> Result<(), ArchiveError> {
    let mut sealed = Unsealer::open(from)?;
    let wanted = frame_head()?;
    let mut head = vec![0; wanted.len()];
    sealed.read_exact(&mut head).map_err(damaged)?;
    if head != wanted {
        return Err(bad("it is not compressed as snapshots are"));
    }
    let mut body = Once { from: FrameDecoder::new(head.chain(&mut sealed)), ended: false };
    entries(&mut body, &mut Unpack { sink, folder: Vec::new(), budget: Budget::new(limit) })?;
    let mut rest = Vec::new();
    body.take(END).read_to_end(&mut rest).map_err(damaged)?;
    if rest.len() as u64 == END || rest.iter().any(|byte| *byte != 0) {
        return Err(bad("there is more behind its last file"));
    }
    sealed.check()
}

fn bad(what: &str) -> ArchiveError {
    ArchiveError::Damaged(what.to_owned())
}

/// Ends when it has ended once: behind one LZ4 frame there is no other.
struct Once<R> {
    from: R,
    ended: bool,
}

impl<R: Read> Read for Once<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.ended || to.is_empty() {
            return Ok(0);
        }
        let length = self.from.read(to)?;
        self.ended = length == 0;
        Ok(length)
    }
}

fn entries<S: Sink>(body: &mut impl Read, unpack: &mut Unpack<'_, S>) -> Result<(), ArchiveError> {
    let mut archive = tar::Archive::new(body);
    let mut records = None;
    // Raw, since what the crate does for long names keeps them in memory, however long.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let entry = entry.map_err(damaged)?;
        if entry.header().entry_type() != EntryType::XHeader {
            unpack.entry(entry, records.take().unwrap_or_default())?;
        } else if records.replace(Records::read(entry)?).is_some() {
            return Err(bad("a header in it has no file"));
        }
    }
    match records {
        None => unpack.up_to(b""),
        Some(_) => Err(bad("a header in it has no file")),
    }
}

struct Unpack<'a, S> {
    sink: &'a mut S,
    /// The path of the folder that the sink is in.
    folder: Vec<u8>,
    budget: Budget,
}

impl<S: Sink> Unpack<'_, S> {
    fn entry<R: Read>(
        &mut self,
        mut entry: Entry<'_, R>,
        records: Records,
    ) -> Result<(), ArchiveError> {
        let header = entry.header();
        let kind = header.entry_type();
        let seconds = header.mtime().map_err(damaged)?;
        let meta = Meta {
            mode: header.mode().map_err(damaged)? & 0o777,
            modified: records.modified.unwrap_or(i128::from(seconds) * 1_000_000_000),
        };
        let path = match records.path {
            Some(path) => path,
            None => header.path_bytes().into_owned(),
        };
        if kind != EntryType::Regular && (entry.size() > 0 || records.length.is_some()) {
            return Err(bad("what is no file has data"));
        }
        if kind != EntryType::Symlink && records.target.is_some() {
            return Err(bad("what is no link has a target"));
        }
        self.budget.entry()?;
        let name = self.place(&path)?;
        match kind {
            EntryType::Directory => {
                self.budget.folder()?;
                self.sink.enter(&name, meta)?;
                self.folder = path;
                Ok(())
            }
            EntryType::Regular => {
                let (length, parts) = self.parts(&mut entry, records.length)?;
                let mut data = Data::new(&mut entry, length, parts);
                self.sink.file(&name, meta, &mut data)?;
                data.must_be_read()
            }
            EntryType::Symlink => {
                let plain = || header.link_name_bytes().map(|target| target.into_owned());
                let target = records.target.or_else(plain).unwrap_or_default();
                if !(1..=MAX_PATH).contains(&target.len()) {
                    return Err(bad("a link in it leads nowhere, or too far"));
                }
                let target =
                    CString::new(target).map_err(|_| bad("a link in it has a NUL byte"))?;
                self.budget.link(target.as_bytes().len())?;
                Ok(self.sink.link(&name, &target, meta)?)
            }
            EntryType::Fifo => Ok(self.sink.pipe(&name, meta)?),
            other => Err(ArchiveError::Damaged(format!(
                "it holds what no snapshot does: {}",
                what(other)
            ))),
        }
    }

    /// Goes to the folder that a path is in, and answers its last part.
    fn place(&mut self, path: &[u8]) -> Result<CString, ArchiveError> {
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = match cut {
            // Not the folder that the sink began with, whose path is empty too.
            Some(0) => return Err(bad("a path in it is absolute")),
            Some(cut) => (&path[..cut], &path[cut + 1..]),
            None => (&b""[..], path),
        };
        if matches!(name, b"" | b"." | b"..") || name.len() > MAX_NAME || path.len() > MAX_PATH {
            return Err(bad("a name in it is none that a file can have"));
        }
        let name = CString::new(name).map_err(|_| bad("a name in it has a NUL byte"))?;
        self.up_to(folder)?;
        Ok(name)
    }

    /// Leaves folders until it is in this one.
    fn up_to(&mut self, folder: &[u8]) -> Result<(), ArchiveError> {
        while self.folder != folder {
            if self.folder.is_empty() {
                return Err(bad("a file in it comes without its folder"));
            }
            self.sink.leave()?;
            let above = self.folder.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            self.folder.truncate(above);
        }
        Ok(())
    }

    /// A file's length and where its data lies, once there is room for it.
    fn parts(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        length: Option<u64>,
    ) -> Result<(u64, Vec<Range<u64>>), ArchiveError> {
        let size = entry.size();
        let (length, parts) = match length {
            None if size == 0 => (0, Vec::new()),
            None => (size, std::iter::once(0..size).collect()),
            Some(length) => {
                let (parts, map) = holes::read(entry, length)?;
                let data = parts.iter().map(|part| part.end - part.start).sum::<u64>();
                if map.checked_add(data) != Some(size) {
                    return Err(bad("a file in it has not the size of its parts"));
                }
                (length, parts)
            }
        };
        self.budget.length(length)?;
        parts.iter().try_for_each(|part| self.budget.data(part))?;
        Ok((length, parts))
    }
}

fn what(kind: EntryType) -> String {
    match kind {
        EntryType::Link => "a hard link".to_owned(),
        EntryType::Char | EntryType::Block => "a device".to_owned(),
        other => format!("an entry of type {:?}", char::from(other.as_byte())),
    }
}

/// What a file holds.
pub struct Data<'a> {
    from: &'a mut dyn Read,
    length: u64,
    parts: std::vec::IntoIter<Range<u64>>,
    part: Range<u64>,
    buffer: Vec<u8>,
}

impl<'a> Data<'a> {
    fn new(from: &'a mut dyn Read, length: u64, parts: Vec<Range<u64>>) -> Self {
        Self { from, length, parts: parts.into_iter(), part: 0..0, buffer: Vec::new() }
    }

    /// With its holes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece and where it belongs; in between are holes.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>, ArchiveError> {
        if self.part.is_empty() {
            match self.parts.next() {
                None => return Ok(None),
                Some(part) => self.part = part,
            }
        }
        let left = self.part.end - self.part.start;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        self.buffer.resize(most, 0);
        self.from.read_exact(&mut self.buffer).map_err(damaged)?;
        let at = self.part.start;
        self.part.start += most as u64;
        Ok(Some((at, &self.buffer)))
    }

    fn must_be_read(&self) -> Result<(), ArchiveError> {
        match self.part.is_empty() && self.parts.len() == 0 {
            true => Ok(()),
            false => Err(ArchiveError::Io(io::Error::other("a file was not read to its end"))),
        }
    }
}
