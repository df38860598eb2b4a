//! Tavily's API (`POST /search`).

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::Found;
use super::client::{Client, address};

/// The most that one request answers.
const MAX_COUNT: usize = 20;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    title: Option<String>,
    url: String,
    content: Option<String>,
}

pub async fn find(
    client: &Client,
    base: &str,
    key: &SecretString,
    query: &str,
    count: usize,
) -> Result<Vec<Found>, String> {
    let body = json!({
        "query": query,
        "max_results": count.clamp(1, MAX_COUNT),
        "search_depth": "basic"
    });
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| "its key has signs that no header can hold".to_owned())?;
    bearer.set_sensitive(true);
    let request = Request::post(address(base, "/search", &[]))
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("authorization", bearer)
        .body(Bytes::from(body.to_string()))
        .map_err(|_| "its URL is not valid".to_owned())?;
    let answer: Answer = serde_json::from_value(client.json(request).await?)
        .map_err(|error| format!("its answer cannot be understood ({error})"))?;
    Ok(answer
        .results
        .iter()
        .map(|page| {
            let title = page.title.as_deref().unwrap_or(&page.url);
            Found::new(title, &page.url, page.content.as_deref().unwrap_or_default())
        })
        .collect())
}
