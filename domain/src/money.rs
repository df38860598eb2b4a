//! Money is integers: picodollars inside, cents outside, rounded once, half to even.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Picodollars (10⁻¹² USD). Exact for every published price per token and per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pico(pub i128);

/// Picodollars in a cent.
pub const PICO_PER_CENT: i128 = 10_000_000_000;

/// Integer cents.
pub type Cents = i64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Currency {
    #[default]
    Usd,
}

/// Money as the API shows it: `{ "amount": 42, "currency": "usd" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Cents.
    pub amount: Cents,
    pub currency: Currency,
}

/// `numerator / denominator`, rounded half to even. `denominator` is positive.
pub const fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice_rest = 2 * numerator.rem_euclid(denominator);
    if twice_rest > denominator || (twice_rest == denominator && floor % 2 != 0) {
        floor + 1
    } else {
        floor
    }
}

impl Pico {
    pub const ZERO: Pico = Pico(0);

    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// What is left after `other` is taken away; stays at the ends of the range.
    pub const fn minus(self, other: Pico) -> Pico {
        Pico(self.0.saturating_sub(other.0))
    }

    /// Rounded half to even.
    pub fn to_cents(self) -> Cents {
        Cents::try_from(div_half_even(self.0, PICO_PER_CENT)).unwrap_or(Cents::MAX)
    }

    /// Whole cents, rounded down, and the picodollars that are left.
    pub const fn cents_and_rest(self) -> (i128, i64) {
        // A rest is less than a cent.
        #[expect(clippy::cast_possible_truncation, reason = "it fits 34 bits")]
        (self.0.div_euclid(PICO_PER_CENT), self.0.rem_euclid(PICO_PER_CENT) as i64)
    }

    pub const fn from_cents(cents: Cents) -> Self {
        Self(cents as i128 * PICO_PER_CENT)
    }

    pub fn to_money(self) -> Money {
        Money { amount: self.to_cents(), currency: Currency::Usd }
    }
}

/// Sums stay at the ends of the range (10²⁶ dollars) instead of wrapping round.
impl Add for Pico {
    type Output = Pico;
    fn add(self, other: Pico) -> Pico {
        Pico(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Pico {
    fn add_assign(&mut self, other: Pico) {
        *self = *self + other;
    }
}

impl Sum for Pico {
    fn sum<I: Iterator<Item = Pico>>(iter: I) -> Pico {
        iter.fold(Pico::ZERO, Add::add)
    }
}

/// As a decimal string: JSON numbers do not hold 128 bits everywhere.
impl Serialize for Pico {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pico {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map(Pico).map_err(serde::de::Error::custom)
    }
}

/// The parts in cents, such that they add up to the rounded total (largest remainder; ties go to
/// the earlier part).
pub fn apportion(parts: &[Pico]) -> Vec<Cents> {
    apportion_to(parts.iter().copied().sum::<Pico>().to_cents(), parts)
}

/// The same for parts whose total is shown already, as the part of another breakdown: rounded, but
/// not always to the nearest.
pub fn apportion_to(total: Cents, parts: &[Pico]) -> Vec<Cents> {
    let floor = |p: &Pico| p.0.div_euclid(PICO_PER_CENT);
    let mut cents: Vec<i128> = parts.iter().map(floor).collect();
    let missing = i128::from(total) - cents.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|&i| (-(parts[i].0.rem_euclid(PICO_PER_CENT)), i));
    for &i in by_remainder.iter().take(usize::try_from(missing).unwrap_or(0)) {
        cents[i] += 1;
    }
    cents.into_iter().map(|c| Cents::try_from(c).unwrap_or(Cents::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_cent() {
        let half = PICO_PER_CENT / 2;
        assert_eq!(Pico(half).to_cents(), 0);
        assert_eq!(Pico(PICO_PER_CENT + half).to_cents(), 2);
        assert_eq!(Pico(half + 1).to_cents(), 1);
        assert_eq!(Pico(-half).to_cents(), 0);
    }

    proptest! {
        #[test]
        fn rows_add_up_to_their_total(
            parts in prop::collection::vec(0i128..10_000_000_000_000_000, 0..40)
        ) {
            let parts: Vec<Pico> = parts.into_iter().map(Pico).collect();
            let rows = apportion(&parts);
            let total = parts.iter().copied().sum::<Pico>().to_cents();
            prop_assert_eq!(rows.iter().sum::<Cents>(), total);
            for (row, part) in rows.iter().zip(&parts) {
                let exact = part.0.div_euclid(PICO_PER_CENT);
                prop_assert!((i128::from(*row) - exact) <= 1 && i128::from(*row) >= exact);
            }
        }

        #[test]
        fn rows_add_up_to_a_total_that_is_a_part_of_another(
            others in prop::collection::vec(0i128..10_000_000_000_000, 0..4),
            parts in prop::collection::vec(0i128..10_000_000_000_000, 0..40),
        ) {
            let parts: Vec<Pico> = parts.into_iter().map(Pico).collect();
            let mut above = vec![parts.iter().copied().sum::<Pico>()];
            above.extend(others.into_iter().map(Pico));
            let total = apportion(&above)[0];
            prop_assert_eq!(apportion_to(total, &parts).iter().sum::<Cents>(), total);
        }

        #[test]
        fn rounding_is_never_off_by_more_than_half(n in any::<i64>(), d in 1i64..1_000_000) {
            let (n, d) = (i128::from(n), i128::from(d));
            let r = div_half_even(n, d);
            prop_assert!((2 * (r * d - n)).abs() <= d);
        }

        #[test]
        fn picodollars_survive_json(n: i128) {
            let json = serde_json::to_string(&Pico(n)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Pico>(&json).unwrap(), Pico(n));
        }
    }
}
