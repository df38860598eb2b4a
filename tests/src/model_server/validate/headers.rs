//! The headers that each vendor wants.

use super::{Check, Wire};

/// What differs between them: `Check::is_newest`.
const ANTHROPIC_VERSIONS: &[&str] = &["2023-06-01", NEWEST];
pub(super) const NEWEST: &str = "2026-10-21";

pub(super) fn check(check: &mut Check<'_>) {
    let header = |name: &str| {
        let value = check.request.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let content_type = header("content-type");
    let bearer = header("authorization").strip_prefix("Bearer ").is_some_and(|key| !key.is_empty());
    let (key, version) = (header("x-api-key"), header("anthropic-version"));
    let json = content_type.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
    check.must(json, format!("content-type is `{content_type}`, not application/json"));
    match check.request.wire {
        Wire::Anthropic => {
            check.must(bearer || !key.is_empty(), "neither x-api-key nor a bearer token");
            let known = ANTHROPIC_VERSIONS.contains(&version.as_str());
            check.must(known, format!("anthropic-version is `{version}`, which there is not"));
        }
        Wire::Chat | Wire::Responses => {
            check.must(bearer, "there is no bearer token");
            check.must(key.is_empty(), "x-api-key is Anthropic's: the key would leak");
        }
    }
}
