//! Headers that all adapters send.

use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};

use crate::contract::{ModelError, ModelErrorKind};

/// A key as a header's value, never shown by `Debug`. Blanks around it, as copying a key brings
/// them along, are not part of it.
pub fn key_header(scheme: &str, key: &SecretString) -> Result<HeaderValue, ModelError> {
    let value = HeaderValue::from_str(&format!("{scheme}{}", key.expose_secret().trim()));
    let mut value = value.map_err(|_| {
        let message = "the key holds characters that no key has: set the secret again";
        ModelError::new(ModelErrorKind::Auth, message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

pub fn user_agent(headers: &mut HeaderMap) {
    const NAME: HeaderValue =
        HeaderValue::from_static(concat!("theazo/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, NAME);
}
