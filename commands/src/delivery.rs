//! Webhook deliveries, and what they are signed with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use theazo_domain::delivery::{Delivery, DeliveryCommand};
use theazo_domain::{CommitId, DeliveryId, Scope, StreamId, TaskId};

use crate::{CommandError, Commander, Done, Origin, Seed};

/// The id of the delivery that tells of `task`'s end: there is one.
pub fn id_of(task: TaskId) -> DeliveryId {
    DeliveryId::from_uuid(Seed::of(&["delivery of", &task.to_string()]).uuid("delivery"))
}

/// The id of the delivery that tells of the `index`th event of `commit`, which is about a limit.
pub fn id_of_notice(commit: CommitId, index: usize) -> DeliveryId {
    let event = format!("delivery of event {index}");
    DeliveryId::from_uuid(Seed::of_reaction(commit, &event).uuid("delivery"))
}

/// What the webhooks of `scope` are signed with, the Standard Webhooks way: AgentCo sees it as
/// `whsec_` and its base64. It is derived from `key` (`MasterKey::derive("webhooks")`), so that it
/// is the same for whoever shows it and whoever signs with it, and stored nowhere.
pub fn signing_secret(key: &[u8; 32], scope: Scope) -> [u8; 32] {
    // A short key is filled up with zeros to the hash's block, which is what HMAC does itself.
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(b"webhooks of ");
    mac.update(scope.org.as_uuid().as_bytes());
    mac.update(scope.mode.as_str().as_bytes());
    mac.finalize().into_bytes().into()
}

impl Commander {
    pub async fn delivery(
        &self,
        origin: &Origin,
        id: DeliveryId,
        command: &DeliveryCommand,
    ) -> Result<Done<Delivery>, CommandError> {
        self.execute(origin, &StreamId::delivery(origin.scope, id), command).await
    }
}
