//! Decimal text to whole units, without a float on the way.

/// A decimal number times 10^`scale`: `("0.025", 6)` is 25 000. An exponent may follow.
///
/// What is left beyond the scale is rounded away from zero, so that no charge is ever lost;
/// `exact` says whether there was any. `None` is for what is not a number of reasonable size.
pub fn parse(text: &str, scale: u32) -> Option<Scaled> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() > 60 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    if whole.is_empty() && fraction.is_empty() || !(-60..=60).contains(&exponent) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let shift = i32::try_from(scale).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
    let (magnitude, exact) = if shift >= 0 {
        let padded = format!("{digits}{}", "0".repeat(usize::try_from(shift).ok()?));
        (padded.parse::<i128>().ok()?, true)
    } else {
        let cut = digits.len().saturating_sub(usize::try_from(-shift).ok()?);
        let (kept, rest) = digits.split_at(cut);
        let kept = if kept.is_empty() { 0 } else { kept.parse::<i128>().ok()? };
        let exact = rest.bytes().all(|b| b == b'0');
        (kept.checked_add(i128::from(!exact))?, exact)
    };
    Some(Scaled { value: if negative { -magnitude } else { magnitude }, exact })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaled {
    pub value: i128,
    pub exact: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str, scale: u32) -> Option<(i128, bool)> {
        parse(text, scale).map(|s| (s.value, s.exact))
    }

    #[test]
    fn decimals() {
        assert_eq!(value("0.025", 6), Some((25_000, true)));
        assert_eq!(value("12", 6), Some((12_000_000, true)));
        assert_eq!(value(".5", 1), Some((5, true)));
        assert_eq!(value("1.5e-05", 12), Some((15_000_000, true)));
        assert_eq!(value("2E3", 0), Some((2_000, true)));
        assert_eq!(value("-0.1", 1), Some((-1, true)));
        assert_eq!(value("0.0000000000001", 12), Some((1, false)));
        assert_eq!(value("0", 12), Some((0, true)));
        for text in ["", ".", "1.2.3", "NaN", "1e999", "0x1", "1e", "--1", "+1", "null"] {
            assert_eq!(value(text, 6), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,80}", scale in 0u32..20) {
            let _ = parse(&text, scale);
        }

        #[test]
        fn twelve_places_are_exact(n in 0i128..1_000_000_000_000_000_000) {
            let text = format!("{}.{:012}", n / 1_000_000_000_000, n % 1_000_000_000_000);
            prop_assert_eq!(value(&text, 12), Some((n, true)));
        }
    }
}
