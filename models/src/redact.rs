//! Vendors quote keys in their errors; we do not.

use secrecy::{ExposeSecret, SecretString};

const REDACTED: &str = "[redacted]";
/// Of a vendor's words, so much is kept. Characters.
const MAX_WORDS: usize = 2_000;
/// Of a vendor's words, so much is looked at. Bytes: an error inside of a stream may be as long as
/// the stream.
const MAX_READ: usize = 64 << 10;
/// Shorter than this it is no key, and would be found in any text.
const MIN_KEY: usize = 4;

/// A vendor's words without the key, without anything that looks like one (vendors mask keys in
/// their own ways, and a gateway may quote its own), and not longer than is useful.
pub fn redact(words: &str, key: Option<&SecretString>) -> String {
    let mut text = words.to_owned();
    if let Some(key) = worth_hiding(key) {
        text = text.replace(key, REDACTED);
    }
    // Only now: a cut through a key would leave half of it.
    text.truncate(text.floor_char_boundary(MAX_READ));
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((start, end)) = next_token(rest) {
        out.push_str(&rest[..start]);
        out.push_str(REDACTED);
        rest = &rest[end..];
    }
    out.push_str(rest);
    match out.char_indices().nth(MAX_WORDS) {
        Some((cut, _)) => format!("{}…", &out[..cut]),
        None => out,
    }
}

/// Whether the key, or something with it inside, stands in `text`.
pub fn holds_key(text: &str, key: Option<&SecretString>) -> bool {
    worth_hiding(key).is_some_and(|key| text.contains(key))
}

fn worth_hiding(key: Option<&SecretString>) -> Option<&str> {
    key.map(|key| key.expose_secret().trim()).filter(|key| key.len() >= MIN_KEY)
}

/// The next thing that looks like a key: `sk-…`, or what follows `Bearer`.
fn next_token(text: &str) -> Option<(usize, usize)> {
    let part_of_key = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*' | b'.');
    let bytes = text.as_bytes();
    let after = |from: usize| from + bytes[from..].iter().take_while(|b| part_of_key(**b)).count();
    let word_starts = |i: usize| i == 0 || !bytes[i - 1].is_ascii_alphanumeric();
    let key = text
        .match_indices("sk-")
        .filter(|(i, _)| word_starts(*i))
        .map(|(start, prefix)| (start, start + prefix.len(), after(start)))
        .find(|(_, token, end)| end - token >= MIN_KEY)
        .map(|(start, _, end)| (start, end));
    let bearer = text
        .match_indices("Bearer ")
        .map(|(i, prefix)| (i + prefix.len(), after(i + prefix.len())))
        .find(|(start, end)| end - start >= MIN_KEY);
    [key, bearer].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_taken_out() {
        let key = SecretString::from("hunter2-very-secret\n");
        let out = redact("bad key hunter2-very-secret!", Some(&key));
        assert_eq!(out, "bad key [redacted]!");
        let out = redact("Incorrect API key provided: sk-proj-Ab_1****9xyz. Find yours", None);
        assert_eq!(out, "Incorrect API key provided: [redacted] Find yours");
        assert_eq!(
            redact("Authorization: Bearer abcd1234, no", None),
            "Authorization: Bearer [redacted], no"
        );
        assert_eq!(redact("task-list, risk-averse, sk-", None), "task-list, risk-averse, sk-");
    }

    #[test]
    fn words_are_bounded() {
        assert_eq!(redact(&"é".repeat(5_000), None).chars().count(), MAX_WORDS + 1);
    }

    #[test]
    fn a_flood_of_keys_is_read_in_no_time() {
        let began = std::time::Instant::now();
        let out = redact(&"sk-aaaa ".repeat(2_000_000), None);
        assert!(out.starts_with("[redacted] [redacted]") && !out.contains("sk-"));
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn the_key_never_comes_out(key in "[a-zA-Z0-9_-]{8,40}", a in ".{0,40}", b in ".{0,40}") {
            prop_assume!(!REDACTED.contains(&key));
            let words = format!("{a}{key}{b}{key}");
            prop_assert!(!redact(&words, Some(&SecretString::from(key.clone()))).contains(&key));
        }
    }
}
