//! Payloads that are too large for a commit: ciphertexts by their hash.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};

/// A store of blobs: a folder here, S3-compatible in a cluster.
#[derive(Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// Blobs in `folder`, which is made if it is not there.
    pub fn in_folder(folder: &Path) -> Result<Self, object_store::Error> {
        std::fs::create_dir_all(folder)
            .map_err(|e| object_store::Error::Generic { store: "folder", source: Box::new(e) })?;
        Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))))
    }

    /// Stores `data` under `name`; storing the same name again is harmless.
    pub async fn put(&self, name: &str, data: Bytes) -> Result<(), object_store::Error> {
        self.0.put(&Key::from(name), data.into()).await.map(|_| ())
    }

    pub async fn get(&self, name: &str) -> Result<Bytes, object_store::Error> {
        self.0.get(&Key::from(name)).await?.bytes().await
    }
}
