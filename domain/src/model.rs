//! Which model an agent thinks with: the four shapes that the SDK accepts.

use std::fmt;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::FieldError;

/// A model, by name or with its settings. A string stands for the platform's own credentials.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ModelConfig {
    /// `"anthropic/claude-sonnet"`
    Name(String),
    /// `{ id, maxTokens, temperature }`, `{ provider, credentialRef }` or
    /// `{ baseUrl, credentialRef, name }`.
    Settings(ModelSettings),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// `anthropic` or `openai`, with the caller's own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The name of a secret in the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<String>,
    /// A compatible gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The model's name at the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Asked in turn while this one is down; [`MAX_FALLBACKS`] at most, with none of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<ModelConfig>,
}

/// How many other models may stand in for one.
pub const MAX_FALLBACKS: usize = 3;

impl ModelConfig {
    /// What is wrong with it, by field below `path`.
    pub fn check(&self, path: &str, errors: &mut Vec<FieldError>) {
        match self {
            ModelConfig::Name(name) if name.is_empty() || name.len() > 200 => {
                errors.push(FieldError::new(path, "must be 1 to 200 characters"));
            }
            ModelConfig::Name(_) => {}
            ModelConfig::Settings(s) => s.check(path, errors),
        }
    }
}

impl ModelSettings {
    fn check(&self, path: &str, errors: &mut Vec<FieldError>) {
        let mut wrong = |field: &str, message: &str| {
            errors.push(FieldError::new(format!("{path}.{field}"), message));
        };
        if self.base_url.is_some() && self.name.is_none() {
            wrong("name", "is required with `baseUrl`: the model's name at the gateway");
        }
        if self.base_url.is_some() || self.provider.is_some() {
            if self.credential_ref.is_none() {
                wrong("credentialRef", "is required: the name of a secret that holds the key");
            }
        } else if self.id.is_none() {
            wrong("id", "is required, or `provider`, or `baseUrl` with `name`");
        }
        if let Some(url) = &self.base_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            wrong("baseUrl", "must be an http:// or https:// URL");
        }
        if self.max_tokens == Some(0) {
            wrong("maxTokens", "must be at least 1");
        }
        if self.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
            wrong("temperature", "must be between 0 and 2");
        }
        if self.fallbacks.len() > MAX_FALLBACKS {
            wrong("fallbacks", &format!("must be {MAX_FALLBACKS} at most"));
        }
        for (i, fallback) in self.fallbacks.iter().enumerate() {
            let path = format!("{path}.fallbacks[{i}]");
            fallback.check(&path, errors);
            if matches!(fallback, ModelConfig::Settings(s) if !s.fallbacks.is_empty()) {
                let path = format!("{path}.fallbacks");
                errors.push(FieldError::new(path, "a fallback cannot have fallbacks"));
            }
        }
    }
}

/// By hand, so that an unknown or wrong field is named (an untagged enum would lose it).
impl<'de> Deserialize<'de> for ModelConfig {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> Visitor<'de> for Shapes {
            type Value = ModelConfig;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a model's name or an object with its settings")
            }

            fn visit_str<E>(self, name: &str) -> Result<ModelConfig, E> {
                Ok(ModelConfig::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelConfig, A::Error> {
                ModelSettings::deserialize(MapAccessDeserializer::new(map))
                    .map(ModelConfig::Settings)
            }
        }
        d.deserialize_any(Shapes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(json: &str) -> Vec<String> {
        let config: ModelConfig = serde_json::from_str(json).unwrap();
        let mut errors = Vec::new();
        config.check("model", &mut errors);
        errors.into_iter().map(|e| e.path).collect()
    }

    #[test]
    fn fallbacks_are_checked_and_not_nested() {
        let none: [&str; 0] = [];
        assert_eq!(errors(r#"{"id":"a","fallbacks":["b",{"id":"c","maxTokens":5}]}"#), none);
        assert_eq!(errors(r#"{"id":"a","fallbacks":["b","c","d","e"]}"#), ["model.fallbacks"]);
        let nested = r#"{"id":"a","fallbacks":[{"id":"b","fallbacks":["c"]},""]}"#;
        assert_eq!(errors(nested), ["model.fallbacks[0].fallbacks", "model.fallbacks[1]"]);
    }

    #[test]
    fn no_fallbacks_are_not_written() {
        let json = r#"{"id":"a"}"#;
        let config: ModelConfig = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), json);
    }
}
