//! From a configured model to its [`Route`].

use hyper::Uri;
use theazo_domain::Mode;
use theazo_domain::model::{ModelConfig, ModelSettings};

use crate::capability::Capabilities;
use crate::config::ModelsConfig;
use crate::names;
use crate::net::Guard;
use crate::prices::PriceTable;
use crate::route::{ANTHROPIC, CredentialSource, MOCK, OPENAI, Route, RouteError};
use crate::{PlatformKey, Wire};

const ANTHROPIC_URL: &str = "https://api.anthropic.com";
const OPENAI_URL: &str = "https://api.openai.com/v1";

/// What a resolution looks at.
pub struct Resolver<'a> {
    pub config: &'a ModelsConfig,
    pub prices: &'a PriceTable,
}

impl Resolver<'_> {
    /// `None` is the platform's default. Test keys think with the mock, whatever is configured.
    pub fn route(&self, model: Option<&ModelConfig>, mode: Mode) -> Result<Route, RouteError> {
        if mode == Mode::Test {
            return Ok(mock(model));
        }
        match model {
            Some(model) => self.configured(model, "model"),
            None => self.default_route(),
        }
    }

    fn default_route(&self) -> Result<Route, RouteError> {
        let name = match (&self.config.default_model, &self.config.anthropic) {
            (Some(name), _) => name.as_str(),
            (None, Some(_)) => names::default_model(ANTHROPIC),
            (None, None) if self.config.openai.is_some() => names::default_model(OPENAI),
            (None, None) => {
                let message = "no model is configured: start the server with ANTHROPIC_API_KEY \
                    or OPENAI_API_KEY, set a default with PATCH /v1/settings, or give `model` \
                    with your own credentials";
                return Err(RouteError::new("model", message));
            }
        };
        self.named(name, "model")
    }

    fn configured(&self, model: &ModelConfig, path: &str) -> Result<Route, RouteError> {
        let settings = match model {
            ModelConfig::Name(name) => return self.named(name, path),
            ModelConfig::Settings(settings) => settings,
        };
        let mut route = match (&settings.base_url, &settings.provider) {
            (Some(url), _) => gateway(settings, url, path, self.config.allow_private_networks)?,
            (None, Some(provider)) => self.own_key(settings, provider, path)?,
            (None, None) => match (&settings.id, &settings.credential_ref) {
                (Some(id), None) => self.named(id, &format!("{path}.id"))?,
                // The vendor is in the name, the key is the caller's.
                (Some(id), Some(_)) => {
                    let vendor = names::parse(id, self.prices).map_or(id.as_str(), |(v, _)| v);
                    self.own_key(settings, vendor, path)?
                }
                (None, _) => {
                    let message = format!("no model is named: {}", names::HOW);
                    return Err(RouteError::new(format!("{path}.id"), message));
                }
            },
        };
        if let Some(max_tokens) = settings.max_tokens {
            route.max_tokens = max_tokens;
            route.max_tokens_by_default = false;
        }
        route.temperature = settings.temperature;
        for (i, fallback) in settings.fallbacks.iter().enumerate() {
            route.fallbacks.push(self.configured(fallback, &format!("{path}.fallbacks[{i}]"))?);
        }
        Ok(route)
    }

    /// A model of the platform's own accounts.
    fn named(&self, name: &str, path: &str) -> Result<Route, RouteError> {
        let Some((vendor, model)) = names::parse(name, self.prices) else {
            let message = format!("`{name}` is not a model that is known here: {}", names::HOW);
            return Err(RouteError::new(path, message));
        };
        let key = match vendor {
            ANTHROPIC => &self.config.anthropic,
            OPENAI => &self.config.openai,
            _ => return Ok(mock_route(model)),
        };
        match key {
            Some(key) => {
                let credential = CredentialSource::Platform(vendor.to_owned());
                Ok(route(vendor, model, base_url(vendor, key), credential))
            }
            None => Err(RouteError::new(path, missing_key(vendor))),
        }
    }

    /// `{ provider, credentialRef, id? }`
    fn own_key(
        &self,
        settings: &ModelSettings,
        provider: &str,
        path: &str,
    ) -> Result<Route, RouteError> {
        let (vendor, url) = match provider {
            ANTHROPIC => (ANTHROPIC, ANTHROPIC_URL),
            OPENAI => (OPENAI, OPENAI_URL),
            MOCK => return Ok(mock_route(MOCK.to_owned())),
            other => {
                let message = format!(
                    "`{other}` is not a provider that is known here: it is `anthropic` or \
                     `openai`; for any other give its `baseUrl`, `credentialRef` and `name`"
                );
                return Err(RouteError::new(format!("{path}.provider"), message));
            }
        };
        let id = settings.id.as_deref().or(settings.name.as_deref());
        let id = id.unwrap_or_else(|| names::default_model(vendor));
        let id = id.strip_prefix(vendor).and_then(|id| id.strip_prefix('/')).unwrap_or(id);
        let Some((_, model)) = names::parse(&format!("{vendor}/{id}"), self.prices) else {
            return Err(RouteError::new(format!("{path}.id"), "must not be empty"));
        };
        Ok(route(vendor, model, url.to_owned(), secret(settings, path)?))
    }
}

/// `{ baseUrl, credentialRef, name }`: Chat Completions, the common tongue of gateways, but the
/// Messages API at Anthropic's own address, or where `provider` says `anthropic`.
fn gateway(
    settings: &ModelSettings,
    url: &str,
    path: &str,
    allow_private: bool,
) -> Result<Route, RouteError> {
    let wrong = |message: String| RouteError::new(format!("{path}.baseUrl"), message);
    Guard::new(allow_private).check_url(url).map_err(wrong)?;
    let uri: Uri = url.parse().map_err(|_| wrong("is not a URL".to_owned()))?;
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let Some(model) = settings.name.as_ref().or(settings.id.as_ref()) else {
        let message = "is required with `baseUrl`: the model's name at the gateway";
        return Err(RouteError::new(format!("{path}.name"), message));
    };
    let credential = match &settings.credential_ref {
        Some(_) => secret(settings, path)?,
        None => CredentialSource::None,
    };
    let at_anthropic = host == "api.anthropic.com";
    let vendor = match host.as_str() {
        _ if at_anthropic => ANTHROPIC,
        "api.openai.com" => OPENAI,
        host => host,
    };
    let wire = match settings.provider.as_deref() {
        _ if at_anthropic => Wire::Anthropic,
        Some(ANTHROPIC) => Wire::Anthropic,
        _ => Wire::OpenaiChat,
    };
    let base_url = match wire {
        Wire::Anthropic => {
            let url = url.trim_end_matches('/');
            url.strip_suffix("/v1").unwrap_or(url)
        }
        _ => url,
    };
    let route = route(vendor, model.clone(), base_url.to_owned(), credential);
    Ok(Route { wire, byoi: true, ..route })
}

fn route(vendor: &str, model: String, base_url: String, credential: CredentialSource) -> Route {
    let wire = match vendor {
        ANTHROPIC => Wire::Anthropic,
        OPENAI => Wire::OpenaiResponses,
        _ => Wire::OpenaiChat,
    };
    let max_tokens = Capabilities::of_model(vendor, &model).default_max_tokens();
    Route {
        wire,
        vendor: vendor.to_owned(),
        base_url,
        byoi: matches!(credential, CredentialSource::Secret(_)),
        credential,
        model,
        max_tokens,
        max_tokens_by_default: true,
        temperature: None,
        fallbacks: Vec::new(),
    }
}

fn mock_route(model: String) -> Route {
    let route = route(MOCK, model, String::new(), CredentialSource::None);
    let max_tokens = Capabilities::of(&Route { wire: Wire::Mock, ..route.clone() });
    Route { wire: Wire::Mock, max_tokens: max_tokens.default_max_tokens(), ..route }
}

/// The mock with the settings of the model that it stands for.
fn mock(model: Option<&ModelConfig>) -> Route {
    let mut route = mock_route(MOCK.to_owned());
    if let Some(ModelConfig::Settings(settings)) = model {
        route.temperature = settings.temperature;
        if let Some(max_tokens) = settings.max_tokens {
            route.max_tokens = max_tokens;
            route.max_tokens_by_default = false;
        }
    }
    route
}

fn secret(settings: &ModelSettings, path: &str) -> Result<CredentialSource, RouteError> {
    match &settings.credential_ref {
        Some(name) => Ok(CredentialSource::Secret(name.clone())),
        None => {
            let message = "is required: the name of a secret that holds the key (set one with \
                POST /v1/secrets)";
            Err(RouteError::new(format!("{path}.credentialRef"), message))
        }
    }
}

fn base_url(vendor: &str, key: &PlatformKey) -> String {
    let given = key.base_url.as_deref().map(|url| url.trim_end_matches('/'));
    match (given, vendor) {
        (None | Some(""), ANTHROPIC) => ANTHROPIC_URL.to_owned(),
        (None | Some(""), _) => OPENAI_URL.to_owned(),
        // The official SDK adds `/v1` itself; who wrote it anyway means the same.
        (Some(url), ANTHROPIC) => url.strip_suffix("/v1").unwrap_or(url).to_owned(),
        (Some(url), _) => url.to_owned(),
    }
}

fn missing_key(vendor: &str) -> String {
    let (company, variable) = match vendor {
        ANTHROPIC => ("Anthropic", "ANTHROPIC_API_KEY"),
        _ => ("OpenAI", "OPENAI_API_KEY"),
    };
    format!(
        "the platform has no key for {company}: set a secret NAME with POST /v1/secrets and use \
         {{\"provider\": \"{vendor}\", \"credentialRef\": \"NAME\"}}, or start the server with \
         {variable}"
    )
}

#[cfg(test)]
#[path = "tests/resolve.rs"]
mod tests;
