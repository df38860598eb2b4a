use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::VaultError;

pub(super) const NONCE_LEN: usize = 12;

/// 256 bits that seal. Wiped when dropped; shows nothing in `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct DataKey([u8; 32]);

impl DataKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// Base64 of a fresh nonce, the ciphertext and its tag.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<String, VaultError> {
        self.seal_bytes(aad, plain).map(|bytes| BASE64.encode(bytes))
    }

    pub fn open(&self, aad: &[u8], data: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes = BASE64.decode(data).map_err(|_| VaultError::Forged)?;
        self.open_bytes(aad, &bytes)
    }

    pub fn seal_bytes(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_LEN] = random_bytes();
        let sealed = self.seal_at(nonce, aad, plain)?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub fn open_bytes(&self, aad: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Forged)?;
        self.open_at(*nonce, aad, sealed).map(Zeroizing::new)
    }

    /// As [`Self::seal_bytes`], with a nonce that this key sees once. It is not in the answer.
    pub fn seal_at(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let payload = Payload { msg: plain, aad };
        self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Forged)
    }

    pub fn open_at(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let payload = Payload { msg: sealed, aad };
        self.cipher().decrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::Forged)
    }

    pub fn wrap(&self, name: &str, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        self.seal_bytes(&wrapping(name), &key.0)
    }

    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let plain = self.open_bytes(&wrapping(name), wrapped)?;
        let bytes = plain.as_slice().try_into().map_err(|_| VaultError::Forged)?;
        Ok(DataKey(bytes))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(self.0))
    }
}

fn wrapping(name: &str) -> Vec<u8> {
    format!("theazo/1\0wrap\0{name}").into_bytes()
}

/// From the operating system. Without it nothing here may go on.
pub(super) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
