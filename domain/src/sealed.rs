use serde::{Deserialize, Serialize};

/// A ciphertext: AES-256-GCM under a data key that the log does not hold. Opaque to the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// Which data key opens it (`<scope>#<generation>`); erased keys leave the text unreadable.
    pub key: String,
    /// Base64 of nonce (12 bytes), ciphertext and tag (16 bytes).
    pub data: String,
}

/// A personal payload as an event holds it: sealed, and out of the log when it is large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase")]
pub enum Payload {
    /// At most 64 KiB, in the event.
    Inline { sealed: Sealed },
    /// In the blob store, sealed under `key`.
    #[serde(rename_all = "camelCase")]
    Blob {
        key: String,
        /// Name in the blob store.
        blob: String,
        /// SHA-256 of the ciphertext, hex.
        sha256: String,
        /// Bytes of plain text.
        size: u64,
    },
}

impl Payload {
    /// Bytes of memory that its texts take.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Payload::Inline { sealed } => sealed.key.len() + sealed.data.len(),
            Payload::Blob { key, blob, sha256, .. } => key.len() + blob.len() + sha256.len(),
        }
    }
}
