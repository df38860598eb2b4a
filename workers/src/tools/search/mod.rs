//! Web search: the operator's backend, asked from the server with the operator's key. A sandbox
//! never sees either.

mod backend;
mod brave;
mod client;
mod searxng;
mod tavily;

use std::time::Duration;

pub use backend::SearchBackend;

use client::Client;

/// How long a backend may take for all of its answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The most of a title or a summary that is shown, in bytes.
const MAX_TEXT: usize = 1_000;

/// One page that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub title: String,
    pub url: String,
    /// What the page says about it; may be empty.
    pub summary: String,
}

impl Found {
    fn new(title: &str, url: &str, summary: &str) -> Self {
        let cut = |text: &str| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
        };
        Self { title: cut(title), url: url.trim().to_owned(), summary: cut(summary) }
    }
}

/// A backend, with the connections to it.
pub struct Search {
    backend: SearchBackend,
    client: Client,
}

impl Search {
    pub fn new(backend: SearchBackend) -> Self {
        Self { backend, client: Client::default() }
    }

    /// What is found, the best first, at most `count`.
    ///
    /// # Errors
    /// What went wrong, for the model and the operator, without the key.
    pub async fn find(
        &self,
        query: &str,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<Found>, String> {
        let name = self.backend.name();
        let ask = async {
            match &self.backend {
                SearchBackend::Searxng { url } => searxng::find(&self.client, url, query).await,
                SearchBackend::Brave { url, key } => {
                    brave::find(&self.client, url, key, query, count).await
                }
                SearchBackend::Tavily { url, key } => {
                    tavily::find(&self.client, url, key, query, count).await
                }
            }
        };
        let found = match tokio::time::timeout(TIMEOUT.min(patience), ask).await {
            Ok(found) => found,
            Err(_) => Err("it did not answer in time".to_owned()),
        };
        let mut found = found.map_err(|error| {
            self.backend.redact(format!("The search by {name} failed: {error}."))
        })?;
        found.retain(|page| page.url.starts_with("http://") || page.url.starts_with("https://"));
        found.truncate(count);
        Ok(found)
    }
}
