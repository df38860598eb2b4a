//! Streams that are too large to be sealed at once: a piece after the other, in little memory.
//!
//! ```text
//! head    "theazo-sealed/1\n", the data key's name after its length, the stream's key
//! pieces  256 KiB of plain text and its tag each; the last one is shorter
//! ```
//!
//! Every stream has a key of its own, sealed under the owner's data key for the stream's purpose.
//! The nonce of a piece is its number, and whether it is the last: a piece opens nowhere but in its
//! place, and a stream that was cut short has no last one.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use theazo_domain::Scope;

use super::cipher::{DataKey, NONCE_LEN};
use super::{Owner, Vault, VaultError, aad, key_name};

const MAGIC: &[u8] = b"theazo-sealed/1\n";
const PIECE: usize = 256 << 10;
const TAG: usize = 16;
/// A wrapped key: nonce, key and tag.
const WRAPPED: usize = NONCE_LEN + 32 + TAG;

/// Bytes on their way, until the error that breaks them off.
pub type ByteStream<E> = BoxStream<'static, Result<Bytes, E>>;

impl Vault {
    /// Seals what `data` brings for `purpose`. Only what ends without an error is whole.
    pub async fn seal_stream<E: From<VaultError> + Send + 'static>(
        &self,
        scope: Scope,
        owner: Owner,
        purpose: &str,
        data: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<ByteStream<E>, VaultError> {
        let name = key_name(scope, owner);
        let (owner, own) = (self.data_key(&name, true).await?, DataKey::random());
        let wrapped = owner.wrap(&wrapping(&name, purpose), &own)?;
        let length = u8::try_from(name.len()).map_err(|_| VaultError::Forged)?;
        let head = [MAGIC, &[length], name.as_bytes(), &wrapped].concat();
        let sealer = Places::new(own, aad(&name, purpose));
        let sealed = in_pieces(data.boxed(), BytesMut::new(), PIECE, sealer, Places::seal);
        Ok(stream::once(async { Ok(Bytes::from(head)) }).chain(sealed).boxed())
    }

    /// Opens a stream that was sealed for the same owner and purpose. Each piece is known to be
    /// what it was, where it was; that all of them came is known only at the end, and what was
    /// changed or cut short ends with [`VaultError::Forged`].
    pub async fn unseal_stream<E: From<VaultError> + Send + 'static>(
        &self,
        scope: Scope,
        owner: Owner,
        purpose: &str,
        data: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<ByteStream<E>, E> {
        let (mut data, mut read) = (data.boxed(), BytesMut::new());
        let start = take(&mut data, &mut read, MAGIC.len() + 1).await?;
        let Some((length, MAGIC)) = start.split_last() else {
            return Err(VaultError::Forged.into());
        };
        let named = take(&mut data, &mut read, usize::from(*length)).await?;
        let name = key_name(scope, owner);
        // A stream of another owner, put here in its place.
        if named != name.as_bytes() {
            return Err(VaultError::Forged.into());
        }
        let wrapped = take(&mut data, &mut read, WRAPPED).await?;
        let owner = self.data_key(&name, false).await?;
        let own = owner.unwrap(&wrapping(&name, purpose), &wrapped)?;
        let opener = Places::new(own, aad(&name, purpose));
        Ok(in_pieces(data, read, PIECE + TAG, opener, Places::open).boxed())
    }
}

fn wrapping(key: &str, purpose: &str) -> String {
    format!("{key}\0{purpose}")
}

/// The next `length` bytes; what came beyond them stays in `read`.
async fn take<E: From<VaultError>>(
    data: &mut ByteStream<E>,
    read: &mut BytesMut,
    length: usize,
) -> Result<BytesMut, E> {
    while read.len() < length {
        match data.next().await {
            Some(bytes) => read.extend_from_slice(&bytes?),
            None => return Err(VaultError::Forged.into()),
        }
    }
    Ok(read.split_to(length))
}

/// A stream's key, and which of its pieces is next.
struct Places {
    key: DataKey,
    aad: Vec<u8>,
    next: u64,
}

impl Places {
    fn new(key: DataKey, aad: Vec<u8>) -> Self {
        Self { key, aad, next: 0 }
    }

    fn nonce(&mut self, last: bool) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&self.next.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(last);
        self.next += 1;
        nonce
    }

    fn seal(&mut self, plain: &[u8], last: bool) -> Result<Vec<u8>, VaultError> {
        let nonce = self.nonce(last);
        self.key.seal_at(nonce, &self.aad, plain)
    }

    fn open(&mut self, sealed: &[u8], last: bool) -> Result<Vec<u8>, VaultError> {
        let nonce = self.nonce(last);
        self.key.open_at(nonce, &self.aad, sealed)
    }
}

/// Sealing or opening: a piece, and whether it is the last.
type Work = fn(&mut Places, &[u8], bool) -> Result<Vec<u8>, VaultError>;

/// Does `work` to each `size` bytes, and to the fewer (or as many) that are the last.
fn in_pieces<E: From<VaultError> + Send + 'static>(
    data: ByteStream<E>,
    read: BytesMut,
    size: usize,
    places: Places,
    work: Work,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    stream::unfold(Some((data, read, places)), move |state| async move {
        let (mut data, mut read, mut places) = state?;
        while read.len() <= size {
            match data.next().await {
                Some(Ok(bytes)) => read.extend_from_slice(&bytes),
                Some(Err(error)) => return Some((Err(error), None)),
                None => {
                    let last = work(&mut places, &read, true);
                    return Some((last.map(Bytes::from).map_err(E::from), None));
                }
            }
        }
        let piece = read.split_to(size);
        Some(match work(&mut places, &piece, false) {
            Ok(done) => (Ok(Bytes::from(done)), Some((data, read, places))),
            Err(error) => (Err(error.into()), None),
        })
    })
}
