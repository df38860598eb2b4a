use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use theazo_domain::Scope;

use crate::error::ApiError;

const PREFIX: &str = "cur_";
/// Bytes of the signature that are kept: nobody finds one that fits in 2¹²⁸ tries.
const TAG_LEN: usize = 16;
const BLOCK_LEN: usize = 64;
const SEQ_LEN: usize = size_of::<u64>();

/// Makes and checks cursors. A cursor is where a list goes on, signed together with what list it
/// is: the caller's scope, the route and its filters. It is of no use elsewhere.
pub(crate) struct Cursors(Hmac<Sha256>);

/// What list a cursor is of.
pub(crate) struct List<'a> {
    pub scope: Scope,
    pub name: &'a str,
    /// Every filter of the list, by name; absent ones as `None`.
    pub filters: &'a [(&'a str, Option<&'a str>)],
}

impl Cursors {
    pub fn new(key: [u8; 32]) -> Self {
        // A short key is filled up with zeros to the hash's block, which is what HMAC does itself.
        let mut block = [0u8; BLOCK_LEN];
        block[..key.len()].copy_from_slice(&key);
        Self(Hmac::new(&block.into()))
    }

    /// The cursor after the row at `seq`.
    pub fn sign(&self, list: &List, seq: u64) -> String {
        let mut bytes = [0u8; SEQ_LEN + TAG_LEN];
        let seq = seq.to_be_bytes();
        bytes[..SEQ_LEN].copy_from_slice(&seq);
        let tag = self.mac(list, &seq).finalize().into_bytes();
        bytes[SEQ_LEN..].copy_from_slice(&tag[..TAG_LEN]);
        format!("{PREFIX}{}", BASE64.encode(bytes))
    }

    /// The row that `cursor` goes on after.
    pub fn check(&self, list: &List, cursor: &str) -> Result<u64, ApiError> {
        self.opened(list, cursor).ok_or_else(|| {
            ApiError::invalid(
                "cursor",
                "must be the nextCursor of a page of this list, with the same filters",
            )
        })
    }

    fn opened(&self, list: &List, cursor: &str) -> Option<u64> {
        let bytes = BASE64.decode(cursor.strip_prefix(PREFIX)?).ok()?;
        let (seq, tag) = bytes.split_at_checked(SEQ_LEN)?;
        if tag.len() != TAG_LEN {
            return None;
        }
        let seq: [u8; SEQ_LEN] = seq.try_into().ok()?;
        self.mac(list, &seq).verify_truncated_left(tag).ok()?;
        Some(u64::from_be_bytes(seq))
    }

    fn mac(&self, list: &List, seq: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        let mut part = |bytes: &[u8]| {
            // The length keeps neighbours apart.
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(seq);
        part(list.scope.org.as_uuid().as_bytes());
        part(list.scope.mode.as_str().as_bytes());
        part(list.name.as_bytes());
        for (name, value) in list.filters {
            if let Some(value) = value {
                part(name.as_bytes());
                part(value.as_bytes());
            }
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::{Mode, OrgId};
    use uuid::Uuid;

    use super::*;

    fn scope(org: u128, mode: Mode) -> Scope {
        Scope { org: OrgId::from_uuid(Uuid::from_u128(org)), mode }
    }

    #[test]
    fn a_cursor_is_of_one_list_of_one_tenant() {
        let cursors = Cursors::new([7; 32]);
        let filters = [("userId", Some("u")), ("status", None)];
        let list = List { scope: scope(1, Mode::Live), name: "sessions", filters: &filters };
        let cursor = cursors.sign(&list, 42);
        assert_eq!(cursors.check(&list, &cursor).unwrap(), 42);

        let others = [
            List { scope: scope(2, Mode::Live), ..list },
            List { scope: scope(1, Mode::Test), ..list },
            List { name: "agents", ..list },
            List { filters: &[("userId", Some("v"))], ..list },
            List { filters: &[("userId", None), ("status", Some("u"))], ..list },
        ];
        for other in others {
            assert!(cursors.check(&other, &cursor).is_err(), "{} {:?}", other.name, other.filters);
        }
        assert!(Cursors::new([8; 32]).check(&list, &cursor).is_err());
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let cursors = Cursors::new([7; 32]);
        let list = List { scope: scope(1, Mode::Live), name: "sessions", filters: &[] };
        let cursor = cursors.sign(&list, 42);
        for at in PREFIX.len()..cursor.len() - 1 {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(cursors.check(&list, &changed).is_err(), "{changed}");
        }
        for text in ["", "cur_", "42", "cur_AAAA", "cur_%%%%", &cursor[..cursor.len() - 4]] {
            assert!(cursors.check(&list, text).is_err(), "{text}");
        }
    }
}
