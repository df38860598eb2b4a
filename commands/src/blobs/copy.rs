//! Blobs on their way to another store.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStoreExt};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs};

/// Blobs on their way at the same time.
const AT_ONCE: usize = 8;

/// What a copy came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// All that there are.
    pub blobs: u64,
    pub bytes: u64,
    /// Those that the other store had already.
    pub there: u64,
}

impl Copied {
    fn and(self, other: Self) -> Self {
        Self {
            blobs: self.blobs + other.blobs,
            bytes: self.bytes + other.bytes,
            there: self.there + other.there,
        }
    }
}

impl Blobs {
    /// How many there are, and their bytes.
    pub async fn total(&self) -> Result<(u64, u64), BlobError> {
        let add =
            |(blobs, bytes), found: ObjectMeta| async move { Ok((blobs + 1, bytes + found.size)) };
        self.all().try_fold((0, 0), add).await
    }

    /// Copies every blob to `to`, except those that are there already at their full size: a blob is
    /// there whole or not at all. `progress` hears how many are done.
    ///
    /// # Errors
    /// [`BlobError::Changed`] names one whose name is a hash, and not the one of its content.
    pub async fn copy_all(
        &self,
        to: &Blobs,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Copied, BlobError> {
        let copies = self.all().map_ok(|found| self.copy(to, found)).try_buffer_unordered(AT_ONCE);
        let mut copies = std::pin::pin!(copies);
        let mut copied = Copied::default();
        while let Some(one) = copies.try_next().await? {
            copied = copied.and(one);
            progress(copied.blobs);
        }
        Ok(copied)
    }

    fn all(&self) -> impl Stream<Item = Result<ObjectMeta, BlobError>> + Send + use<'_> {
        self.0.list(None).map_err(|e| BlobError::of("", &e))
    }

    async fn copy(&self, to: &Blobs, found: ObjectMeta) -> Result<Copied, BlobError> {
        let name = found.location.to_string();
        let copied = Copied { blobs: 1, bytes: found.size, there: 0 };
        match to.0.head(&found.location).await {
            Ok(there) if there.size == found.size => return Ok(Copied { there: 1, ..copied }),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => (),
            Err(error) => return Err(BlobError::of(&name, &error)),
        }
        let hash = Arc::new(Mutex::new(Sha256::new()));
        let data = self.get_stream(&name).await?;
        let hashed = {
            let hash = hash.clone();
            data.inspect_ok(move |bytes: &Bytes| hash.lock().update(bytes))
        };
        // At its end, and before the last of it is stored: what breaks off stores nothing.
        let checked = hashed.chain(stream::once(check(name.clone(), hash)));
        let failed = Arc::new(Mutex::new(None));
        let checked = {
            let failed = failed.clone();
            checked.inspect_err(move |error: &BlobError| *failed.lock() = Some(error.clone()))
        };
        let size = to.put_stream(&name, checked).await.map_err(|error| match error {
            // By what was read, which says more.
            BlobError::BrokeOff(_) => failed.lock().take().unwrap_or(error),
            error => error,
        })?;
        match size == found.size {
            true => Ok(copied),
            false => Err(BlobError::Changed(name)),
        }
    }
}

/// Nothing more, when `hash` is what `name` says.
async fn check(name: String, hash: Arc<Mutex<Sha256>>) -> Result<Bytes, BlobError> {
    let last = name.rsplit('/').next().unwrap_or_default();
    let is_hash = last.len() == 64 && hex::decode(last).is_ok();
    let found = hex::encode(hash.lock().clone().finalize());
    match is_hash && found != last {
        true => Err(BlobError::Changed(name)),
        false => Ok(Bytes::new()),
    }
}
