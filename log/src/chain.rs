//! The hash chain of a stream, and the rolling hash of an org.
//!
//! ```text
//! content  = SHA-256("theazo.commit.v1\0" ‖ stored body)      by the caller, in parallel
//! hash     = SHA-256("theazo.link.v1\0" ‖ previous hash ‖ content)   by the writer, in order
//! rolling' = SHA-256("theazo.org.v1\0" ‖ rolling ‖ hash)      every commit of an org, in log order
//! ```
//!
//! Each form begins with a name of its own, so that no value of one can pass for one of another.
//! A position is not hashed: a log that is copied to another backend keeps its hashes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

const CONTENT: &[u8] = b"theazo.commit.v1\0";
const LINK: &[u8] = b"theazo.link.v1\0";
const ORG: &[u8] = b"theazo.org.v1\0";

/// SHA-256. Its text is hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of a stored body: the part of a commit's hash that needs no other commit.
    pub fn content(body: &[u8]) -> Self {
        Self::over(&[CONTENT, body])
    }

    /// The hash of the commit with this content after the stream's commit with hash `previous`
    /// (zero for the first).
    pub fn link(previous: Hash, content: Hash) -> Self {
        Self::over(&[LINK, &previous.0, &content.0])
    }

    fn over(parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part);
        }
        Self(sha.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The rolling hash of an org's commits in log order. It fixes what the streams' own chains leave
/// open: the order across streams, and that nothing is missing at a stream's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrgChain {
    /// Zero before the first commit.
    pub hash: Hash,
    /// Commits folded so far.
    pub commits: u64,
}

impl OrgChain {
    /// Goes on from a checkpoint.
    pub const fn from_checkpoint(hash: Hash, commits: u64) -> Self {
        Self { hash, commits }
    }

    /// Takes in the hash of the org's next commit.
    pub fn fold(&mut self, commit: Hash) {
        self.hash = Hash::over(&[ORG, &self.hash.0, &commit.0]);
        self.commits += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored form of a hash is for ever: a change here makes every log fail its verification.
    #[test]
    fn the_hashes_are_what_they_have_always_been() {
        let content = Hash::content(b"{}");
        let link = Hash::link(Hash::default(), content);
        let mut org = OrgChain::default();
        org.fold(link);
        assert_eq!(
            [content.to_string(), link.to_string(), org.hash.to_string()],
            [
                "0b933b982c6bdc50edf54e838a74a2d5361cf0c4fbbc6511a42c258408170240",
                "55389101ae833683ab35ca14727fc3e9da1216d357c408755773bd39c85fbcb4",
                "b6f08a0d2fe73e35f001964114fb1e6e529748256c79116512b1854e7d9fba64",
            ]
        );
    }

    #[test]
    fn the_same_bytes_give_another_hash_in_another_place() {
        let content = Hash::content(b"{}");
        let first = Hash::link(Hash::default(), content);
        assert_ne!(first, Hash::link(first, content));
        assert_eq!(first.to_string().parse::<Hash>().unwrap(), first);
    }
}
