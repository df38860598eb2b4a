//! Ids and signatures as the vendors' look, that are the same whenever the same call is made again.

use std::hash::{DefaultHasher, Hash, Hasher};

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";

/// A hash that is the same in every process.
pub(super) fn fingerprint(of: impl Hash) -> u64 {
    // `new` has fixed keys.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// What the ids of one call's answer are made from: the fingerprint of all that it asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdSeed(pub u64);

impl IdSeed {
    fn token(self, what: &str, n: usize, alphabet: &[u8], length: usize) -> String {
        let mut token = String::with_capacity(length);
        let mut state = fingerprint((self.0, what, n));
        while token.len() < length {
            state = fingerprint((state, token.len()));
            let index = usize::try_from(state % alphabet.len() as u64).expect("it is small");
            token.push(char::from(alphabet[index]));
        }
        token
    }

    fn base62(self, prefix: &str, n: usize, length: usize) -> String {
        format!("{prefix}{}", self.token(prefix, n, BASE62, length))
    }

    fn hex(self, prefix: &str, n: usize, length: usize) -> String {
        format!("{prefix}{}", self.token(prefix, n, HEX, length))
    }

    /// Anthropic's message.
    pub fn message(self) -> String {
        self.base62("msg_01", 0, 22)
    }

    /// Anthropic's tool call; `n` counts the parts of the answer.
    pub fn tool_use(self, n: usize) -> String {
        self.base62("toolu_01", n, 22)
    }

    /// The signature of a thinking block, or the data of a redacted one.
    pub fn signature(self, n: usize) -> String {
        format!("{}==", self.base62("EqQB", n, 90))
    }

    pub fn chat_completion(self) -> String {
        self.base62("chatcmpl-", 0, 29)
    }

    /// OpenAI's tool call.
    pub fn call(self, n: usize) -> String {
        self.base62("call_", n, 24)
    }

    pub fn response(self) -> String {
        self.hex("resp_", 0, 50)
    }

    /// An item of OpenAI's responses: `rs`, `msg`, `fc`.
    pub fn item(self, kind: &str, n: usize) -> String {
        self.hex(&format!("{kind}_"), n, 50)
    }

    pub fn encrypted_content(self, n: usize) -> String {
        format!("{}==", self.base62("gAAAAAB", n, 120))
    }

    pub fn obfuscation(self, n: usize) -> String {
        self.base62("", n, 3 + n % 9)
    }
}
