//! What the operator sets.

use std::time::Duration;

use secrecy::SecretString;

/// The models of a server.
#[derive(Debug, Clone)]
pub struct ModelsConfig {
    pub anthropic: Option<PlatformKey>,
    pub openai: Option<PlatformKey>,
    /// The platform's default model, by name. Without it the first vendor with a key gives one.
    pub default_model: Option<String>,
    /// Whether a `baseUrl` of AgentCo may name an address of this machine or its network.
    pub allow_private_networks: bool,
    /// A vendor that sends no byte for so long has timed out.
    pub silence: Duration,
    /// Attempts after the first, as long as nothing of the answer was given out.
    pub retries: u32,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            anthropic: None,
            openai: None,
            default_model: None,
            allow_private_networks: false,
            silence: Duration::from_secs(120),
            retries: 4,
        }
    }
}

/// The operator's own account with a vendor.
#[derive(Debug, Clone)]
pub struct PlatformKey {
    pub key: SecretString,
    /// As the official SDKs read `ANTHROPIC_BASE_URL` (without `/v1`) and `OPENAI_BASE_URL` (with
    /// it).
    pub base_url: Option<String>,
}
