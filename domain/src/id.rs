//! Typed ids: a prefix, `_`, and 26 characters of Crockford base32 over 128 bits (a UUID).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The value of each character; 255 for those that are none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};
/// Characters that encode 128 bits, five bits each (the first one carries only three).
const ENCODED_LEN: usize = 26;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {prefix}_… id")]
pub struct IdError {
    prefix: &'static str,
}

fn encode(bits: u128, out: &mut [u8; ENCODED_LEN]) {
    for (i, slot) in out.iter_mut().enumerate() {
        let shift = 5 * (ENCODED_LEN - 1 - i);
        *slot = ALPHABET[((bits >> shift) & 31) as usize];
    }
}

fn decode(text: &[u8]) -> Option<u128> {
    if text.len() != ENCODED_LEN || text[0] > b'7' {
        return None;
    }
    text.iter().try_fold(0u128, |bits, c| {
        let digit = DIGITS[usize::from(*c)];
        (digit < 32).then_some((bits << 5) | u128::from(digit))
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id over these 128 bits; the caller made them (UUIDv7, or derived from a key).
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            pub const fn as_uuid(&self) -> Uuid { self.0 }

            /// The id in lower case with `-` for `_`: fit to be a label of a host name.
            pub fn host_label(&self) -> String {
                self.to_string().to_ascii_lowercase().replace('_', "-")
            }

            /// The inverse of [`Self::host_label`].
            pub fn from_host_label(label: &str) -> Result<Self, IdError> {
                label.to_ascii_uppercase()
                    .split_once('-')
                    .filter(|(prefix, _)| prefix.eq_ignore_ascii_case($prefix))
                    .and_then(|(_, rest)| decode(rest.as_bytes()))
                    .map(|bits| Self(Uuid::from_u128(bits)))
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0u8; ENCODED_LEN];
                encode(self.0.as_u128(), &mut text);
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| decode(rest.as_bytes()))
                    .map(|bits| Self(Uuid::from_u128(bits)))
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An organisation: one AgentCo.
    OrgId = "org";
    /// An API key (not its secret).
    ApiKeyId = "key";
    /// A session: the isolation, limits and bill of one of AgentCo's users.
    SessionId = "ses";
    /// An agent: one sandbox and what runs in it.
    AgentId = "agt";
    /// One `exec` of code in an agent.
    ExecutionId = "exe";
    /// One write or delete of a file in an agent.
    FileOperationId = "fop";
    /// A snapshot of an agent.
    SnapshotId = "snp";
    /// A task: one run of an agent, from its submission to its end.
    TaskId = "task";
    /// An agent definition.
    DefinitionId = "adef";
    /// A webhook delivery.
    DeliveryId = "whd";
    /// One push of usage to a biller.
    ExportId = "exp";
    /// A commit in the log.
    CommitId = "evt";
    /// One API request.
    RequestId = "req";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_survives_its_text(bits: u128) {
            let id = SessionId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<SessionId>(), Ok(id));
            prop_assert_eq!(SessionId::from_host_label(&id.host_label()), Ok(id));
        }

        #[test]
        fn no_text_makes_parsing_panic(text: String) {
            let _ = text.parse::<AgentId>();
            let _ = AgentId::from_host_label(&text);
        }
    }

    #[test]
    fn another_prefix_a_short_text_and_an_overflow_are_refused() {
        let id = SessionId::from_uuid(Uuid::from_u128(7));
        assert!(id.to_string().replace("ses", "agt").parse::<SessionId>().is_err());
        assert!(id.to_string()[..20].parse::<SessionId>().is_err());
        assert!("ses_8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<SessionId>().is_err());
    }
}
