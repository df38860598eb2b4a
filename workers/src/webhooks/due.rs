//! What is to be delivered next: the tenants take turns, so that one whose receivers hang delays
//! nobody but itself.

use std::collections::{BTreeSet, HashMap};

use theazo_domain::{DeliveryId, Scope, Timestamp};

/// Deliveries of one tenant that are made at the same time.
const PER_TENANT: usize = 16;

/// Deliveries by tenant and by when they are due.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Those with something to deliver, or with a try under way.
    tenants: HashMap<Scope, Tenant>,
}

#[derive(Debug, Default)]
struct Tenant {
    due: BTreeSet<(Timestamp, DeliveryId)>,
    under_way: usize,
}

impl Due {
    pub fn insert(&mut self, at: Timestamp, scope: Scope, id: DeliveryId) {
        self.tenants.entry(scope).or_default().due.insert((at, id));
    }

    /// The next one that is due, which is under way from now on: of the tenant that has the
    /// fewest under way, then of the one that has waited longest.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Scope, DeliveryId)> {
        let ready = self.tenants.iter_mut().filter_map(|(scope, tenant)| {
            let at = tenant.next_at().filter(|at| *at <= now)?;
            Some((tenant.under_way, at, *scope, tenant))
        });
        let (_, _, scope, tenant) = ready.min_by_key(|(busy, at, ..)| (*busy, *at))?;
        let (_, id) = tenant.due.pop_first()?;
        tenant.under_way += 1;
        Some((scope, id))
    }

    /// A try has come to its end.
    pub fn tried(&mut self, scope: Scope) {
        if let Some(tenant) = self.tenants.get_mut(&scope) {
            tenant.under_way = tenant.under_way.saturating_sub(1);
            if tenant.under_way == 0 && tenant.due.is_empty() {
                self.tenants.remove(&scope);
            }
        }
    }

    /// When the next one is due, of those that need not wait for a try to end.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.tenants.values().filter_map(Tenant::next_at).min()
    }
}

impl Tenant {
    fn next_at(&self) -> Option<Timestamp> {
        let (at, _) = self.due.first().filter(|_| self.under_way < PER_TENANT)?;
        Some(*at)
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::{Mode, OrgId};
    use uuid::Uuid;

    use super::*;

    fn scope(n: u128) -> Scope {
        Scope { org: OrgId::from_uuid(Uuid::from_u128(n)), mode: Mode::Live }
    }

    fn delivery(n: u128) -> DeliveryId {
        DeliveryId::from_uuid(Uuid::from_u128(n))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_is_due_first_goes_first() {
        let mut due = Due::default();
        due.insert(at(30), scope(1), delivery(3));
        due.insert(at(10), scope(1), delivery(1));
        assert_eq!(due.pop(at(5)), None);
        assert_eq!(due.next_at(), Some(at(10)));
        assert_eq!(due.pop(at(10)), Some((scope(1), delivery(1))));
        assert_eq!(due.pop(at(10)), None);
        assert_eq!(due.next_at(), Some(at(30)));
    }

    #[test]
    fn a_tenant_whose_receivers_hang_delays_nobody_else() {
        let mut due = Due::default();
        for n in 0..1_000 {
            due.insert(at(0), scope(1), delivery(n));
        }
        due.insert(at(50), scope(2), delivery(5_000));
        let first: Vec<_> = std::iter::from_fn(|| due.pop(at(50))).collect();
        assert_eq!(first.len(), PER_TENANT + 1);
        assert!(first[..2].contains(&(scope(2), delivery(5_000))), "{:?}", &first[..2]);
        // It has as many as it may, and nothing is to be waited for but their ends.
        assert_eq!((due.pop(at(99)), due.next_at()), (None, None));
        due.tried(scope(1));
        assert!(due.pop(at(99)).is_some());
    }

    #[test]
    fn who_has_nothing_left_is_forgotten() {
        let mut due = Due::default();
        due.insert(at(0), scope(1), delivery(1));
        assert!(due.pop(at(0)).is_some());
        due.tried(scope(1));
        due.tried(scope(1));
        assert!(due.tenants.is_empty());
    }
}
