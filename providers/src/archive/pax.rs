//! The records of a PAX header: `<length> <key>=<value>\n`, with the length of all of it.

use std::io::Read;

use super::{ArchiveError, damaged};

/// Two paths of the longest kind, and the rest.
const MAX_LENGTH: u64 = 16 << 10;
const SECOND: i128 = 1_000_000_000;

/// The records that snapshots have. Any other ends an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records {
    pub path: Option<Vec<u8>>,
    pub target: Option<Vec<u8>>,
    /// Nanoseconds.
    pub modified: Option<i128>,
    /// The length of a file whose data begins with the map of its holes.
    pub length: Option<u64>,
}

impl Records {
    /// The text of the header; empty when there is nothing to say.
    pub fn write(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(path) = &self.path {
            record(&mut text, "path", path);
        }
        if let Some(target) = &self.target {
            record(&mut text, "linkpath", target);
        }
        if let Some(modified) = self.modified {
            record(&mut text, "mtime", time(modified).as_bytes());
        }
        if let Some(length) = self.length {
            record(&mut text, "GNU.sparse.major", b"1");
            record(&mut text, "GNU.sparse.minor", b"0");
            record(&mut text, "GNU.sparse.realsize", length.to_string().as_bytes());
        }
        text
    }

    pub fn read(from: impl Read) -> Result<Self, ArchiveError> {
        let mut text = Vec::new();
        from.take(MAX_LENGTH + 1).read_to_end(&mut text).map_err(damaged)?;
        if text.len() as u64 > MAX_LENGTH {
            return Err(ArchiveError::Damaged("a header in it is too long".to_owned()));
        }
        Self::parse(&text).ok_or_else(|| {
            let what = "a header in it is not one of a snapshot's";
            ArchiveError::Damaged(what.to_owned())
        })
    }

    fn parse(mut text: &[u8]) -> Option<Self> {
        let mut records = Self::default();
        while !text.is_empty() {
            let space = text.iter().position(|byte| *byte == b' ')?;
            let length: usize = number(&text[..space])?.try_into().ok()?;
            let (record, rest) = text.split_at_checked(length)?;
            text = rest;
            let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => records.path = Some(value.to_vec()),
                b"linkpath" => records.target = Some(value.to_vec()),
                b"mtime" => records.modified = Some(nanoseconds(value)?),
                b"GNU.sparse.major" if value == b"1" => {}
                b"GNU.sparse.minor" if value == b"0" => {}
                b"GNU.sparse.realsize" => records.length = Some(number(value)?),
                _ => return None,
            }
        }
        Some(records)
    }
}

fn record(text: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    // The length counts its own digits.
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    text.extend_from_slice(format!("{length} {key}=").as_bytes());
    text.extend_from_slice(value);
    text.push(b'\n');
}

/// A decimal number without a sign.
pub fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then_some(text).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
}

fn time(nanoseconds: i128) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let second = SECOND.unsigned_abs();
    format!("{sign}{}.{:09}", size / second, size % second)
}

fn nanoseconds(text: &[u8]) -> Option<i128> {
    let (text, sign) = text.strip_prefix(b"-").map_or((text, 1), |text| (text, -1));
    let dot = text.iter().position(|byte| *byte == b'.');
    let (whole, part) = dot.map_or((text, &b"0"[..]), |dot| (&text[..dot], &text[dot + 1..]));
    let digits = part.len();
    let scale = 10_i128.checked_pow(9_u32.checked_sub(u32::try_from(digits).ok()?)?)?;
    // As much as the kernel's own seconds.
    let seconds = i64::try_from(number(whole)?).ok()?;
    Some(sign * (i128::from(seconds) * SECOND + i128::from(number(part)?) * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        for modified in [0, -1, 1_700_000_000_123_456_789, -5_000_000_000, -1_500_000_000] {
            let records = Records {
                path: Some([b"a\n7 b=\xff".to_vec(), vec![b'x'; 90]].concat()),
                target: Some(b"".to_vec()),
                modified: Some(modified),
                length: Some(u64::MAX),
            };
            let text = records.write();
            assert_eq!(Records::read(&text[..]).unwrap(), records);
        }
    }

    #[test]
    fn other_records_are_refused() {
        for text in [
            "30 SCHILY.xattr.user.a=abcdef\n",
            "11 size=10\n",
            "99 path=x\n",
            "9 path=x",
            "0 path=x\n",
            "x path=x\n",
            "10 mtime=a\n",
            "22 mtime=1.0000000001\n",
            "30 mtime=99999999999999999999\n",
            "\n",
        ] {
            assert!(Records::read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Records::read(std::io::repeat(b'1').take(1 << 30)).is_err());
    }
}
