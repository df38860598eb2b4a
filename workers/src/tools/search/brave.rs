//! Brave's Web Search API (`GET /res/v1/web/search`).

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Found;
use super::client::{Client, address};

/// The most that one request answers.
const MAX_COUNT: usize = 20;

#[derive(Deserialize)]
struct Answer {
    /// Missing when nothing was found.
    web: Option<Web>,
}

#[derive(Deserialize)]
struct Web {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    title: Option<String>,
    url: String,
    description: Option<String>,
}

pub async fn find(
    client: &Client,
    base: &str,
    key: &SecretString,
    query: &str,
    count: usize,
) -> Result<Vec<Found>, String> {
    let count = count.clamp(1, MAX_COUNT).to_string();
    // Without decorations: else the words that were found are in HTML.
    let query = [
        ("q", query),
        ("count", count.as_str()),
        ("result_filter", "web"),
        ("text_decorations", "false"),
    ];
    let mut token = HeaderValue::from_str(key.expose_secret())
        .map_err(|_| "its key has signs that no header can hold".to_owned())?;
    token.set_sensitive(true);
    let request = Request::get(address(base, "/res/v1/web/search", &query))
        .header("accept", "application/json")
        .header("x-subscription-token", token)
        .body(Bytes::new())
        .map_err(|_| "its URL is not valid".to_owned())?;
    let answer: Answer = serde_json::from_value(client.json(request).await?)
        .map_err(|error| format!("its answer cannot be understood ({error})"))?;
    let pages = answer.web.map(|web| web.results).unwrap_or_default();
    Ok(pages
        .iter()
        .map(|page| {
            let title = page.title.as_deref().unwrap_or(&page.url);
            Found::new(title, &page.url, page.description.as_deref().unwrap_or_default())
        })
        .collect())
}
