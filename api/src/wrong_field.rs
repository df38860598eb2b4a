//! What is wrong with a field, in the caller's words: serde speaks of Rust's types.

use crate::error::ApiError;

/// What serde says, as a field and a message.
pub(crate) fn wrong_field(path: &str, said: &str) -> ApiError {
    let path = if path == "." { "" } else { path };
    let below = |field: &str| match path {
        "" => field.to_owned(),
        _ if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
        _ => format!("{path}.{field}"),
    };
    // " at line 1 column 9" is of no use to who is told the field.
    let said = said.split(" at line ").next().unwrap_or(said);
    if let Some(field) = quoted_after(said, "missing field ") {
        return ApiError::invalid(below(field), "is required");
    }
    if let Some(field) = quoted_after(said, "duplicate field ") {
        return ApiError::invalid(below(field), "is given twice");
    }
    if let Some(field) = quoted_after(said, "unknown field ") {
        let known = said.split_once(", ").map_or("", |(_, known)| known);
        return ApiError::invalid(below(field), format!("is not known; {known}"));
    }
    let field = if path.is_empty() { "body" } else { path };
    ApiError::invalid(field, in_plain_words(said).unwrap_or_else(|| said.to_owned()))
}

fn quoted_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?.strip_prefix('`')?.split('`').next()
}

fn in_plain_words(said: &str) -> Option<String> {
    let must = match said {
        "expected value" => return Some("has the wrong type".to_owned()),
        "invalid digit found in string" => "must be a whole number, 0 or more",
        "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
            "has half of a surrogate pair, which is no character"
        }
        _ => {
            let (_, expected) = said.split_once(", expected ")?;
            if said.starts_with("unknown variant ") {
                return Some(format!("must be {expected}"));
            }
            wanted(expected)?
        }
    };
    Some(must.to_owned())
}

/// A type of Rust's as one of JSON's.
fn wanted(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "u8" => "must be a whole number, 0 to 255",
        "u16" => "must be a whole number, 0 to 65535",
        "u32" => "must be a whole number, 0 to 4294967295",
        "u64" | "usize" => "must be a whole number, 0 or more",
        "i32" | "i64" | "i128" => "must be a whole number",
        "f32" | "f64" => "must be a number",
        "a string" | "string" => "must be a string",
        "a boolean" => "must be true or false",
        "a map" => "must be an object",
        "a sequence" => "must be an array",
        _ if expected.starts_with("struct ") => "must be an object",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn no_type_of_rust_is_named() {
        for (said, words) in [
            ("invalid type: string \"x\", expected u32", "must be a whole number, 0 to 4294967295"),
            ("invalid value: integer `-1`, expected u64", "must be a whole number, 0 or more"),
            ("invalid digit found in string", "must be a whole number, 0 or more"),
            ("invalid type: integer `1`, expected struct Limits", "must be an object"),
            ("invalid type: integer `1`, expected a string", "must be a string"),
            ("unknown variant `x`, expected `a` or `b`", "must be `a` or `b`"),
        ] {
            assert_eq!(in_plain_words(said).as_deref(), Some(words), "{said}");
        }
        assert_eq!(in_plain_words("must be an id"), None);
    }
}
