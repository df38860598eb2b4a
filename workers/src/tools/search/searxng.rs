//! SearXNG's JSON (`GET /search?format=json`).

use bytes::Bytes;
use http::Request;
use serde::Deserialize;

use super::Found;
use super::client::{Client, address};

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Page>,
    /// Engines that did not answer, each with why.
    #[serde(default)]
    unresponsive_engines: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Page {
    url: Option<String>,
    title: Option<String>,
    content: Option<String>,
}

pub async fn find(client: &Client, base: &str, query: &str) -> Result<Vec<Found>, String> {
    let url = address(base, "/search", &[("q", query), ("format", "json")]);
    let request = Request::get(url)
        .header("accept", "application/json")
        .body(Bytes::new())
        .map_err(|_| "its URL is not valid".to_owned())?;
    let answer =
        client.json(request).await.map_err(|error| match error.starts_with("HTTP 403") {
            // What it says to a format that its settings do not have.
            true => format!("{error}; its settings must have json in search.formats"),
            false => error,
        })?;
    let answer: Answer = serde_json::from_value(answer)
        .map_err(|error| format!("its answer cannot be understood ({error})"))?;
    if answer.results.is_empty() && !answer.unresponsive_engines.is_empty() {
        let engines: Vec<String> =
            answer.unresponsive_engines.iter().take(5).map(|engine| engine.join(": ")).collect();
        return Err(format!("none of its engines answered ({})", engines.join(", ")));
    }
    Ok(answer
        .results
        .iter()
        .filter_map(|page| {
            let url = page.url.as_deref()?;
            let title = page.title.as_deref().unwrap_or(url);
            Some(Found::new(title, url, page.content.as_deref().unwrap_or_default()))
        })
        .collect())
}
