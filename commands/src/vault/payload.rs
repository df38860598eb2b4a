use bytes::Bytes;
use sha2::{Digest, Sha256};
use theazo_domain::{Payload, Scope, SessionId};
use zeroize::Zeroizing;

use super::{Owner, Vault, VaultError};
use crate::Blobs;

/// Above this a payload goes to the blob store, in bytes of plain text.
const INLINE_MAX: usize = 64 << 10;

/// Seals a personal payload of `session` for an event.
pub async fn seal_payload(
    vault: &Vault,
    blobs: &Blobs,
    (scope, session): (Scope, SessionId),
    purpose: &str,
    plain: &[u8],
) -> Result<Payload, VaultError> {
    let sealed = vault.seal(scope, Owner::Session(session), purpose, plain).await?;
    if plain.len() <= INLINE_MAX {
        return Ok(Payload::Inline { sealed });
    }
    let data = Bytes::from(sealed.data);
    let sha256 = hex::encode(Sha256::digest(&data));
    let blob = format!("{}/{}/{session}/{sha256}", scope.org, scope.mode);
    blobs.put(&blob, data).await.map_err(|e| VaultError::Blob(e.to_string()))?;
    Ok(Payload::Blob { key: sealed.key, blob, sha256, size: plain.len() as u64 })
}

/// Opens a payload that was sealed in `scope` for the same purpose.
pub async fn open_payload(
    vault: &Vault,
    blobs: &Blobs,
    scope: Scope,
    purpose: &str,
    payload: &Payload,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    match payload {
        Payload::Inline { sealed } => vault.unseal(scope, purpose, sealed).await,
        Payload::Blob { key, blob, sha256, .. } => {
            let data = blobs.get(blob).await.map_err(|e| VaultError::Blob(e.to_string()))?;
            if hex::encode(Sha256::digest(&data)) != *sha256 {
                return Err(VaultError::Forged);
            }
            let data = String::from_utf8(data.into()).map_err(|_| VaultError::Forged)?;
            let sealed = theazo_domain::Sealed { key: key.clone(), data };
            vault.unseal(scope, purpose, &sealed).await
        }
    }
}
