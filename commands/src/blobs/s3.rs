use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Setting};
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use url::Url;

use super::BlobError;
use super::http::Connector;

/// What may be set in the URL; secrets may not, because URLs are shown.
const PARAMETERS: [(&str, Setting); 4] = [
    ("endpoint", Setting::Endpoint),
    ("region", Setting::Region),
    ("virtual_hosted_style_request", Setting::VirtualHostedStyleRequest),
    ("allow_http", Setting::Client(object_store::ClientConfigKey::AllowHttp)),
];
/// Written at every start, to know that it can be.
const MARK: &str = "theazo-blobs";

/// Overloaded stores are tried again, for half a minute at most.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 5,
        retry_timeout: Duration::from_secs(30),
    }
}

/// Opens the store, and writes to it.
pub(super) async fn open(
    url: &Url,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>, BlobError> {
    let builder = configure(url, variables)?;
    let endpoint = builder.get_config_value(&Setting::Endpoint);
    let at = endpoint.as_deref().unwrap_or("AWS").to_owned();
    let store = builder.build().map_err(|e| setup(url, &at, &e))?;
    let prefix = url.path().trim_matches('/');
    let store: Arc<dyn ObjectStore> =
        if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) };
    let mark = bytes::Bytes::from_static(b"Theazo keeps blobs here.\n");
    store.put(&Key::from(MARK), mark.into()).await.map_err(|e| setup(url, &at, &e))?;
    Ok(store)
}

fn configure(
    url: &Url,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<AmazonS3Builder, BlobError> {
    let wrong = |message: String| Err(BlobError::Setup(message));
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "the blob store's URL must not hold credentials: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        );
    }
    let Some(bucket) = url.host_str() else {
        return wrong("the blob store's URL has no bucket: s3://bucket/prefix".to_owned());
    };
    let mut builder = AmazonS3Builder::new();
    for (name, value) in variables.into_iter().filter(|(name, _)| name.starts_with("AWS_")) {
        // The others are for other programs.
        if let Ok(setting) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(setting, value);
        }
    }
    for (name, value) in url.query_pairs() {
        let Some((_, setting)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
            let known = PARAMETERS.map(|(known, _)| known).join(", ");
            return wrong(format!("the blob store's URL takes {known}, and not {name}"));
        };
        builder = builder.with_config(*setting, value);
    }
    let endpoint = builder.get_config_value(&Setting::Endpoint).unwrap_or_default();
    let http = Setting::Client(object_store::ClientConfigKey::AllowHttp);
    let allowed = builder.get_config_value(&http).is_some_and(|allowed| allowed == "true");
    if endpoint.starts_with("http://") && !allowed {
        return wrong(format!(
            "the blob store at {endpoint} is not encrypted; add allow_http=true to its URL if \
             that is how it must be"
        ));
    }
    Ok(builder.with_bucket_name(bucket).with_retry(retries()).with_http_connector(Connector))
}

/// What to set, by what went wrong.
fn setup(url: &Url, at: &str, error: &Error) -> BlobError {
    let bucket = url.host_str().unwrap_or_default();
    BlobError::Setup(match error {
        Error::NotFound { .. } => {
            format!("there is no bucket {bucket} at {at}: make it, or correct the blob store's URL")
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => format!(
            "the blob store at {at} refuses bucket {bucket}: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY to a key that may get, put and delete its objects ({error})"
        ),
        other => format!(
            "the blob store at {at} cannot be used: check ?endpoint= and ?region= of its URL, or \
             AWS_ENDPOINT_URL and AWS_REGION, and that there are credentials (AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY) ({other})"
        ),
    })
}
