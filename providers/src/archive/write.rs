//! Writing an archive.

use std::io::{self, Read, Write};
use std::ops::Range;

use lz4_flex::frame::FrameEncoder;
use tar::{EntryType, Header};

use super::holes::{self, MAX_PARTS};
use super::pax::Records;
use super::seal::{self, Sealer};
use super::{MAX_PATH, Meta};

/// What a tar header has room for.
const MAX_PLAIN: usize = 100;
const SECOND: i128 = 1_000_000_000;
/// The uid and gid that are written, and that nobody reads.
const OWNER: u64 = 1000;

/// Paths are relative, with a folder before what is in it and that before all else.
pub struct Writer<W: Write>(tar::Builder<FrameEncoder<Sealer<W>>>);

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> io::Result<Self> {
        Ok(Self(tar::Builder::new(seal::compress(Sealer::new(to)?))))
    }

    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner()?.finish().map_err(io::Error::other)?.finish()
    }

    pub fn folder(&mut self, path: &[u8], meta: Meta) -> io::Result<()> {
        self.entry(EntryType::Directory, path, meta, Records::default(), 0, io::empty())
    }

    pub fn pipe(&mut self, path: &[u8], meta: Meta) -> io::Result<()> {
        self.entry(EntryType::Fifo, path, meta, Records::default(), 0, io::empty())
    }

    pub fn link(&mut self, path: &[u8], target: &[u8], meta: Meta) -> io::Result<()> {
        let records = Records { target: Some(target.to_vec()), ..Records::default() };
        self.entry(EntryType::Symlink, path, meta, records, 0, io::empty())
    }

    /// A file of which `data` has the bytes of these parts; all else of it is holes.
    pub fn file(
        &mut self,
        path: &[u8],
        meta: Meta,
        length: u64,
        parts: &[Range<u64>],
        data: impl Read,
    ) -> io::Result<()> {
        let size: u64 = parts.iter().map(|part| part.end - part.start).sum();
        let kind = EntryType::Regular;
        if size == length {
            return self.entry(kind, path, meta, Records::default(), size, data);
        }
        debug_assert!(parts.len() <= MAX_PARTS, "whoever finds the parts sees to it");
        let records = Records { length: Some(length), ..Records::default() };
        let map = holes::write(parts, length);
        let size = size + map.len() as u64;
        self.entry(kind, path, meta, records, size, map.chain(data))
    }

    fn entry(
        &mut self,
        kind: EntryType,
        path: &[u8],
        meta: Meta,
        mut records: Records,
        size: u64,
        data: impl Read,
    ) -> io::Result<()> {
        if path.len() > MAX_PATH {
            let what = format!("it has a path of more than {MAX_PATH} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, what));
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(meta.mode & 0o777);
        header.set_uid(OWNER);
        header.set_gid(OWNER);
        header.set_size(size);
        match u32::try_from(meta.modified / SECOND) {
            Ok(seconds) if meta.modified % SECOND == 0 => header.set_mtime(seconds.into()),
            _ => records.modified = Some(meta.modified),
        }
        if path.len() > MAX_PLAIN {
            records.path = Some(path.to_vec());
        }
        plain(&mut header.as_old_mut().name, path);
        if let Some(target) =
            records.target.take_if(|target| (1..=MAX_PLAIN).contains(&target.len()))
        {
            plain(&mut header.as_old_mut().linkname, &target);
        }
        header.set_cksum();
        let extra = records.write();
        if !extra.is_empty() {
            let mut before = Header::new_ustar();
            before.set_entry_type(EntryType::XHeader);
            before.set_size(extra.len() as u64);
            before.set_mode(0o644);
            plain(&mut before.as_old_mut().name, b"pax");
            before.set_cksum();
            self.0.append(&before, &extra[..])?;
        }
        self.0.append(&header, Exactly { data, left: size })
    }
}

/// As much of a name as there is room for.
fn plain(field: &mut [u8; MAX_PLAIN], name: &[u8]) {
    let length = name.len().min(MAX_PLAIN);
    field[..length].copy_from_slice(&name[..length]);
}

/// Data that is as long as its header says, or fails.
struct Exactly<R> {
    data: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(to.len());
        let read = self.data.read(&mut to[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
