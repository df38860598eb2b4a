//! Checks that several aggregates share. Each adds to a list, so that a caller hears of every
//! wrong field at once.

use std::collections::BTreeMap;

use crate::FieldError;

/// Arbitrary key-value pairs of the caller.
pub type Metadata = BTreeMap<String, serde_json::Value>;

const MAX_METADATA_KEYS: usize = 50;
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// 1 to `max` characters, none of them a control character.
pub fn text(path: &str, value: &str, max: usize, errors: &mut Vec<FieldError>) {
    let len = value.chars().count();
    if len == 0 || len > max {
        errors.push(FieldError::new(path, format!("must be 1 to {max} characters")));
    } else if value.chars().any(char::is_control) {
        errors.push(FieldError::new(path, "must not have control characters"));
    }
}

/// At most 50 keys of at most 100 characters, 16 KiB as JSON.
pub fn metadata(path: &str, value: &Metadata, errors: &mut Vec<FieldError>) {
    let bytes: usize = value.iter().map(|(k, v)| k.len() + v.to_string().len()).sum();
    if value.len() > MAX_METADATA_KEYS {
        errors.push(FieldError::new(path, format!("must have at most {MAX_METADATA_KEYS} keys")));
    } else if bytes > MAX_METADATA_BYTES {
        errors.push(FieldError::new(path, "must be at most 16 KiB as JSON"));
    }
    for key in value.keys().filter(|k| k.is_empty() || k.chars().count() > 100) {
        errors.push(FieldError::new(format!("{path}.{key}"), "keys are 1 to 100 characters"));
    }
}

/// A secret's name: letters, digits, `_` and `-`, at most 100.
pub fn secret_name(path: &str, value: &str, errors: &mut Vec<FieldError>) {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if value.is_empty() || value.len() > 100 || !value.chars().all(fit) {
        errors.push(FieldError::new(
            path,
            "must be 1 to 100 letters, digits, underscores and hyphens",
        ));
    }
}
