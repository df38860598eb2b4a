//! What is too large for a commit: ciphertexts by their hash, snapshots by their name.
//!
//! A folder of one machine, or an S3-compatible store that many share. A blob is there whole or not
//! at all; storing the same name again writes the same bytes over themselves.

mod copy;
mod http;
mod s3;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use url::Url;

pub use copy::Copied;

/// Bytes of a part of a large blob. S3 takes ten thousand: enough for 80 GiB.
const PART: usize = 8 << 20;
/// Parts on their way at once: what an upload holds in memory.
const PARTS_IN_FLIGHT: usize = 4;

#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// What to set is in the message.
    #[error("{0}")]
    Setup(String),
    #[error("there is no blob {0}")]
    Missing(String),
    #[error("the blob store does not do as it should: {0}")]
    Unavailable(String),
    /// A blob that is not what its name says; nothing of it was copied.
    #[error("the blob {0} is not what was stored under that name: restore it from a backup")]
    Changed(String),
    /// Nothing was stored.
    #[error("what was to be stored broke off: {0}")]
    BrokeOff(String),
}

impl BlobError {
    fn of(name: &str, error: &object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing(name.to_owned()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A store of blobs: a folder here, S3-compatible in a cluster. Cheap to clone.
#[derive(Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// The store at `url`: a folder, `file:///…`, or `s3://bucket/prefix`, which takes the usual
    /// `AWS_*` variables, and for stores of other vendors `?endpoint=https://…`, `?region=…`,
    /// `?virtual_hosted_style_request=true` and `?allow_http=true`.
    ///
    /// # Errors
    /// When it cannot be written to, with what to set.
    pub async fn open(url: &str) -> Result<Self, BlobError> {
        Self::open_with(
            url,
            std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        )
        .await
    }

    /// As [`Blobs::open`], with these variables instead of the environment's.
    pub async fn open_with(
        url: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BlobError> {
        match place(url)? {
            Place::Folder(folder) => Self::in_folder(&folder),
            Place::S3(url) => s3::open(&url, variables).await.map(Self),
        }
    }

    /// Blobs in `folder`, which is made if it is not there.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        let wrong = |error: &dyn Display| {
            BlobError::Setup(format!("blobs cannot be kept in {}: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(|e| wrong(&e))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|e| wrong(&e))?;
        Ok(Self(Arc::new(store.with_fsync(true).with_automatic_cleanup(false))))
    }

    /// Stores `data` under `name`; storing the same name again is harmless.
    pub async fn put(&self, name: &str, data: Bytes) -> Result<(), BlobError> {
        let put = self.0.put(&Key::from(name), data.into()).await;
        put.map(|_| ()).map_err(|e| BlobError::of(name, &e))
    }

    pub async fn get(&self, name: &str) -> Result<Bytes, BlobError> {
        let wrong = |e| BlobError::of(name, &e);
        self.0.get(&Key::from(name)).await.map_err(wrong)?.bytes().await.map_err(wrong)
    }

    /// Stores what `data` brings, in parts, and answers how many bytes that was. When it brings an
    /// error nothing is stored.
    ///
    /// What a process that dies has sent by then stays in an S3 store, unseen: give its bucket a
    /// rule that removes incomplete multipart uploads after a day.
    pub async fn put_stream<E: Display>(
        &self,
        name: &str,
        data: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<u64, BlobError> {
        let mut data = std::pin::pin!(data);
        let (mut first, mut size) = (Vec::new(), 0);
        while size < PART {
            match data.next().await {
                Some(Ok(bytes)) => {
                    size += bytes.len();
                    first.push(bytes);
                }
                Some(Err(error)) => return Err(BlobError::BrokeOff(error.to_string())),
                None => {
                    self.put(name, first.concat().into()).await?;
                    return Ok(size as u64);
                }
            }
        }
        let first = futures::stream::iter(first.into_iter().map(Ok));
        self.put_parts(name, first.chain(data)).await
    }

    async fn put_parts<E: Display>(
        &self,
        name: &str,
        data: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<u64, BlobError> {
        let wrong = |e| BlobError::of(name, &e);
        let mut data = std::pin::pin!(data);
        let upload = self.0.put_multipart(&Key::from(name)).await.map_err(wrong)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut size = 0;
        while let Some(bytes) = data.next().await {
            let room = upload.wait_for_capacity(PARTS_IN_FLIGHT).await;
            let failed = match (bytes, room) {
                (Ok(bytes), Ok(())) => {
                    size += bytes.len() as u64;
                    upload.put(bytes);
                    continue;
                }
                (_, Err(error)) => BlobError::of(name, &error),
                (Err(error), _) => BlobError::BrokeOff(error.to_string()),
            };
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, name, "the parts of a broken upload could not be removed");
            }
            return Err(failed);
        }
        upload.finish().await.map_err(wrong)?;
        Ok(size)
    }

    /// The blob piece by piece.
    pub async fn get_stream(
        &self,
        name: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let found = self.0.get(&Key::from(name)).await.map_err(|e| BlobError::of(name, &e))?;
        let name = name.to_owned();
        Ok(found.into_stream().map_err(move |e| BlobError::of(&name, &e)).boxed())
    }

    /// Removes a blob; that it is not there is no error.
    pub async fn delete(&self, name: &str) -> Result<(), BlobError> {
        match self.0.delete(&Key::from(name)).await.map_err(|e| BlobError::of(name, &e)) {
            Err(BlobError::Missing(_)) => Ok(()),
            other => other,
        }
    }
}

enum Place {
    Folder(PathBuf),
    S3(Url),
}

fn place(text: &str) -> Result<Place, BlobError> {
    if !text.contains("://") {
        return Ok(Place::Folder(text.into()));
    }
    // The text is not repeated: there may be a secret in it.
    let url = Url::parse(text)
        .map_err(|e| BlobError::Setup(format!("the blob store's URL cannot be read: {e}")))?;
    match url.scheme() {
        "file" => url.to_file_path().map(Place::Folder).map_err(|()| {
            let message = "a folder of blobs is file:///and/its/path, with three slashes";
            BlobError::Setup(message.to_owned())
        }),
        "s3" => Ok(Place::S3(url)),
        other => Err(BlobError::Setup(format!(
            "blobs cannot be kept in {other}://…; give a folder, or s3://bucket/prefix"
        ))),
    }
}
