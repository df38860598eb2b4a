//! Keeping the agent's secrets out of what a model is shown.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

/// Shorter values are words that could be anywhere.
const SHORTEST: usize = 8;

/// `text` with every value of `secrets` replaced by its name. Code that wants to print a secret can
/// write it otherwise: this is against accidents (`env`, a debug line), as in CI systems.
pub fn mask(text: String, secrets: &BTreeMap<String, SecretString>) -> String {
    let values = secrets.iter().map(|(name, value)| (name, value.expose_secret()));
    let mut values: Vec<_> = values.filter(|(_, value)| value.len() >= SHORTEST).collect();
    // The longest first: one may begin with another.
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    values.into_iter().fold(text, |text, (name, value)| match text.contains(value) {
        true => text.replace(value, &format!("[secret {name}]")),
        false => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_by_their_names() {
        let secret = |value: &str| SecretString::from(value.to_owned());
        let secrets = BTreeMap::from([
            ("A".to_owned(), secret("sk-12345678")),
            ("B".to_owned(), secret("sk-12345678-longer")),
            ("SHORT".to_owned(), secret("yes")),
        ]);
        let masked = mask("x sk-12345678-longer y sk-12345678 yes".to_owned(), &secrets);
        assert_eq!(masked, "x [secret B] y [secret A] yes");
    }
}
