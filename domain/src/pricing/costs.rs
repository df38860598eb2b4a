use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Day, Month, Pico};

/// What was spent, by the day that it is billed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Costs(BTreeMap<Day, Pico>);

impl Costs {
    pub fn on(day: Day, cost: Pico) -> Self {
        let mut costs = Self::default();
        costs.add(day, cost);
        costs
    }

    pub fn add(&mut self, day: Day, cost: Pico) {
        if !cost.is_zero() {
            *self.0.entry(day).or_default() += cost;
        }
    }

    pub fn add_all(&mut self, other: &Costs) {
        other.0.iter().for_each(|(day, cost)| self.add(*day, *cost));
    }

    pub fn total(&self) -> Pico {
        self.0.values().copied().sum()
    }

    pub fn of(&self, day: Day) -> Pico {
        self.0.get(&day).copied().unwrap_or_default()
    }

    pub fn of_month(&self, month: Month) -> Pico {
        let days = self.0.iter().filter(|(day, _)| day.month() == month);
        days.map(|(_, cost)| *cost).sum()
    }

    /// What is here and was not in `before`, which was here once.
    pub fn since(&self, before: &Costs) -> Costs {
        let mut since = Self::default();
        for (day, cost) in &self.0 {
            let new = cost.minus(before.of(*day));
            since.add(*day, new.max(Pico::ZERO));
        }
        since
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Days that something was spent on.
    pub fn days(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Day, Pico)> {
        self.0.iter().map(|(day, cost)| (*day, *cost))
    }
}

impl FromIterator<(Day, Pico)> for Costs {
    fn from_iter<I: IntoIterator<Item = (Day, Pico)>>(iter: I) -> Self {
        let mut costs = Self::default();
        iter.into_iter().for_each(|(day, cost)| costs.add(day, cost));
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_sums_of_days() {
        let costs = [("2028-02-29", 5), ("2028-03-01", 7), ("2027-02-28", 9)];
        let costs: Costs = costs.into_iter().map(|(d, cost)| (day(d), Pico(cost))).collect();
        assert_eq!(costs.total(), Pico(21));
        assert_eq!(costs.of(day("2028-02-29")), Pico(5));
        assert_eq!(costs.of_month(day("2028-02-01").month()), Pico(5));
        assert_eq!(costs.of_month(day("2028-03-31").month()), Pico(7));
    }

    #[test]
    fn what_was_told_before_is_not_told_again() {
        let before = Costs::on(day("2026-05-01"), Pico(5));
        let mut now = before.clone();
        now.add(day("2026-05-01"), Pico(2));
        now.add(day("2026-05-02"), Pico(3));
        let new = now.since(&before);
        assert_eq!((new.total(), new.days()), (Pico(5), 2));
        assert!(before.since(&now).is_empty() && now.since(&now).is_empty());
    }
}
