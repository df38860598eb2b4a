use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use theazo_domain::Scope;
use theazo_log::{Hash, OrgChain, Position};
use zeroize::Zeroizing;

/// Begins what is signed, so that no other signature under the same key can pass for this one.
const WHAT: &[u8] = b"theazo.org-checkpoint.v1\0";

/// The key that checkpoints are signed with (HMAC-SHA256). Never shown, never logged.
#[derive(Clone)]
pub struct ChainKey(Arc<Zeroizing<Vec<u8>>>);

impl ChainKey {
    /// A key of any length; 32 random bytes are right.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The signed checkpoint of `scope` where its chain stands at `position`.
    pub fn checkpoint(&self, scope: Scope, position: Position, chain: OrgChain) -> ChainCheckpoint {
        let OrgChain { hash, commits } = chain;
        let mac = self.mac(scope, position, commits, hash);
        let signature = hex::encode(mac.finalize().into_bytes());
        ChainCheckpoint { position, length: commits, hash, signature }
    }

    /// Whether `checkpoint` was signed with this key for `scope`, and is as it was.
    pub fn verify(&self, scope: Scope, checkpoint: &ChainCheckpoint) -> bool {
        let ChainCheckpoint { position, length, hash, signature } = checkpoint;
        let Ok(signature) = hex::decode(signature) else { return false };
        self.mac(scope, *position, *length, *hash).verify_slice(&signature).is_ok()
    }

    fn mac(&self, scope: Scope, position: Position, length: u64, hash: Hash) -> Hmac<Sha256> {
        // RFC 2104: a key longer than a block stands for its hash; none is refused.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| unreachable!());
        mac.update(WHAT);
        mac.update(scope.org.as_uuid().as_bytes());
        mac.update(scope.mode.as_str().as_bytes());
        mac.update(&position.0.to_be_bytes());
        mac.update(&length.to_be_bytes());
        mac.update(&hash.0);
        mac
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainKey(…)")
    }
}

/// Where the rolling hash of an org and mode stood, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCheckpoint {
    /// The last commit in the hash.
    pub position: Position,
    /// How many commits of the org are in it.
    pub length: u64,
    pub hash: Hash,
    /// HMAC-SHA256, hex.
    pub signature: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_own_org_place_and_hash_only() {
        let org = |n| {
            let org = theazo_domain::OrgId::from_uuid(uuid::Uuid::from_u128(n));
            Scope { org, mode: theazo_domain::Mode::Live }
        };
        let key = ChainKey::new(vec![7; 32]);
        let mut chain = OrgChain::default();
        chain.fold(Hash([1; 32]));
        let signed = key.checkpoint(org(1), Position(9), chain);
        assert!(key.verify(org(1), &signed));
        assert!(!key.verify(org(2), &signed));
        assert!(!key.verify(org(1), &ChainCheckpoint { position: Position(8), ..signed.clone() }));
        assert!(!key.verify(org(1), &ChainCheckpoint { length: 2, ..signed.clone() }));
        assert!(!key.verify(org(1), &ChainCheckpoint { hash: Hash([2; 32]), ..signed.clone() }));
        let empty = ChainCheckpoint { signature: String::new(), ..signed.clone() };
        assert!(!key.verify(org(1), &empty));
        assert!(!ChainKey::new(vec![8; 32]).verify(org(1), &signed));
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", ChainKey::new(vec![7; 32])), "ChainKey(…)");
    }
}
