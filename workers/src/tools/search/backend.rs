//! Which backend there is, and its key.

use secrecy::{ExposeSecret, SecretString};

/// Where a web search is asked. The URLs are the services' own unless the operator says otherwise.
#[derive(Debug, Clone)]
pub enum SearchBackend {
    /// A SearXNG, which must have `json` among the `search.formats` of its settings.
    Searxng {
        url: String,
    },
    Brave {
        url: String,
        key: SecretString,
    },
    Tavily {
        url: String,
        key: SecretString,
    },
}

impl SearchBackend {
    /// `url` is that of the instance, with or without a path before `/search`.
    pub fn searxng(url: impl Into<String>) -> Self {
        Self::Searxng { url: url.into() }
    }

    pub fn brave(key: SecretString) -> Self {
        Self::Brave { url: "https://api.search.brave.com".into(), key }
    }

    pub fn tavily(key: SecretString) -> Self {
        Self::Tavily { url: "https://api.tavily.com".into(), key }
    }

    /// The same backend at another base URL.
    #[must_use]
    pub fn at(mut self, base: impl Into<String>) -> Self {
        match &mut self {
            Self::Searxng { url } | Self::Brave { url, .. } | Self::Tavily { url, .. } => {
                *url = base.into();
            }
        }
        self
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Searxng { .. } => "SearXNG",
            Self::Brave { .. } => "Brave",
            Self::Tavily { .. } => "Tavily",
        }
    }

    /// `message` without the key: a backend may quote it in what it complains about.
    pub(super) fn redact(&self, message: String) -> String {
        match self {
            Self::Searxng { .. } => message,
            Self::Brave { key, .. } | Self::Tavily { key, .. } => match key.expose_secret() {
                "" => message,
                key => message.replace(key, "[key]"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_nowhere_to_be_read() {
        let backend = SearchBackend::tavily(SecretString::from("tvly-secret".to_owned()));
        assert!(!format!("{backend:?}").contains("tvly-secret"));
        assert_eq!(backend.redact("bad key tvly-secret".into()), "bad key [key]");
    }
}
