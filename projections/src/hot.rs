use std::borrow::Cow;
use std::hash::Hash;

use lru::LruCache;
use theazo_log::Position;

/// Rows that were touched lately, so that their next commit needs no read.
///
/// A row that is not written yet is never dropped: the database does not have it.
pub(crate) struct HotRows<K: Hash + Eq, V> {
    rows: LruCache<K, Hot<V>>,
    weight: usize,
    budget: usize,
    committed: Position,
}

struct Hot<V> {
    value: V,
    /// Bytes, about.
    weight: usize,
    /// The last commit that changed it.
    touched: Position,
}

impl<K: Hash + Eq + Clone, V> HotRows<K, V> {
    /// Keeps about `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { rows: LruCache::unbounded(), weight: 0, budget, committed: Position::START }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.rows.contains(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key).map(|hot| &mut hot.value)
    }

    /// Puts a row that the commit at `touched` changed last ([`Position::START`]: as it is stored).
    pub(crate) fn put(&mut self, key: Cow<'_, K>, value: V, weight: usize, touched: Position) {
        self.weight += weight;
        if let Some(old) = self.rows.put(key.into_owned(), Hot { value, weight, touched }) {
            self.weight -= old.weight;
        }
    }

    /// Notes what the commit at `touched` made of a row's weight.
    pub(crate) fn weigh(&mut self, key: &K, weight: usize, touched: Position) {
        if let Some(hot) = self.rows.peek_mut(key) {
            self.weight = self.weight - hot.weight + weight;
            hot.weight = weight;
            hot.touched = touched;
        }
    }

    /// All rows up to `position` are written: the least lately used may go.
    pub(crate) fn committed(&mut self, position: Position) {
        self.committed = position;
        while self.weight > self.budget {
            match self.rows.peek_lru() {
                Some((_, hot)) if hot.touched <= self.committed => {
                    self.weight -= hot.weight;
                    self.rows.pop_lru();
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_only_when_it_is_written() {
        let mut rows = HotRows::new(25);
        for key in 1..=4u64 {
            rows.put(Cow::Owned(key), (), 10, Position(key));
        }
        rows.committed(Position(1));
        assert!(!rows.contains(&1) && rows.contains(&2));
        // Used again, and read anew from what is stored.
        rows.get_mut(&2);
        rows.weigh(&2, 10, Position(9));
        rows.put(Cow::Owned(5), (), 10, Position::START);
        rows.committed(Position(4));
        assert!([3, 4].iter().all(|key| !rows.contains(key)), "the least lately used stayed");
        assert!(rows.contains(&2) && rows.contains(&5));
    }

    #[test]
    fn a_row_that_grows_weighs_what_it_is_now() {
        let mut rows = HotRows::new(25);
        rows.put(Cow::Owned(1u64), (), 10, Position(1));
        rows.weigh(&1, 30, Position(2));
        rows.put(Cow::Owned(1), (), 20, Position(3));
        assert_eq!(rows.weight, 20);
    }
}
