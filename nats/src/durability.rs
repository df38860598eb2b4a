//! How safe an acknowledged commit is.

/// What the log's promise of durability rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Servers that each keep a copy.
    pub replicas: usize,
    /// Whether each server is said to sync before it acknowledges.
    pub synced: bool,
    /// Where that is weaker than the log promises, and what to do about it.
    pub warnings: Vec<String>,
}

impl Durability {
    pub(crate) fn of(replicas: usize, synced: bool) -> Self {
        let mut warnings = Vec::new();
        if replicas < 3 && !synced {
            warnings.push(
                "an acknowledged commit can be lost when the NATS server's machine loses power: \
                 there is one copy, and nats-server syncs every 2 minutes unless told otherwise. \
                 Use three servers (replicas = 3), or set `jetstream { sync_interval: always }` \
                 in server.conf (nats-server 2.10 or newer) and say so here (synced = true)"
                    .to_owned(),
            );
        }
        Self { replicas, synced, warnings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_that_is_not_synced_is_warned_about() {
        for (replicas, synced, warned) in
            [(1, false, true), (1, true, false), (3, false, false), (3, true, false)]
        {
            let durability = Durability::of(replicas, synced);
            assert_eq!(!durability.warnings.is_empty(), warned, "{replicas}, {synced}");
        }
    }
}
