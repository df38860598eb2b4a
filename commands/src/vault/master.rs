use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::VaultError;
use super::cipher::{DataKey, random_bytes};

/// The key that everything else hangs on: 32 bytes, as base64 in `THEAZO_MASTER_KEY` or a file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// # Errors
    /// When the text is not base64 of 32 bytes. The text is not repeated in the message.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let bytes = BASE64.decode(text.trim()).map(Zeroizing::new).ok();
        bytes.and_then(|b| b.as_slice().try_into().ok()).map(Self).ok_or_else(|| {
            VaultError::Master(
                "the master key must be base64 of 32 bytes (make one: openssl rand -base64 32)"
                    .to_owned(),
            )
        })
    }

    /// The key in `file`; a new one, written there with mode 0600, when there is no such file.
    pub fn load_or_create(file: &Path) -> Result<Self, VaultError> {
        let fail = |e: std::io::Error| VaultError::Master(format!("{}: {e}", file.display()));
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&Zeroizing::new(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let key = Self(random_bytes());
                let text = Zeroizing::new(BASE64.encode(key.0));
                let mut options = std::fs::OpenOptions::new();
                let mut out =
                    options.write(true).create_new(true).mode(0o600).open(file).map_err(fail)?;
                out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(fail)?;
                Ok(key)
            }
            Err(e) => Err(fail(e)),
        }
    }

    pub(super) fn derive_wrapping_key(&self) -> DataKey {
        DataKey::from_bytes(self.derive("wrap data keys"))
    }

    /// A key for another use of the platform (signing cursors, signing checkpoints), from which
    /// this one cannot be told.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"theazo/1 derive\0");
        hash.update(self.0);
        hash.update(purpose.as_bytes());
        hash.finalize().into()
    }
}
