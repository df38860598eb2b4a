//! Spans of days that sums are kept for, and which of them a range of days is made of.

use std::ops::Range;

use theazo_domain::Day;

/// Days of each span; each is [`GROWTH`] of the one before.
const SPANS: [i32; 4] = [1, 4, 16, 64];
const GROWTH: i32 = 4;

/// One span: the `place`-th of those with this many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub days: i32,
    pub place: i32,
}

/// A span that is added, or taken away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub span: Span,
    pub taken_away: bool,
}

/// The spans that `day` is in.
pub(super) fn spans_of(day: Day) -> [Span; SPANS.len()] {
    SPANS.map(|days| Span { days, place: day.number().div_euclid(days) })
}

/// The fewest spans that make `days`: a longer one, without its ends, may be fewer than many short
/// ones.
pub(super) fn parts_of(days: &Range<Day>) -> Vec<Part> {
    cover(&SPANS, days.start.number()..days.end.number())
}

/// The fewest parts of `places`, which are numbered in the first of `spans`.
fn cover(spans: &[i32], places: Range<i32>) -> Vec<Part> {
    let [days, longer @ ..] = spans else { return vec![] };
    let parts = |places: Range<i32>, taken_away| {
        let part = move |place| Part { span: Span { days: *days, place }, taken_away };
        places.map(part)
    };
    let mut best: Vec<Part> = parts(places.clone(), false).collect();
    if longer.is_empty() || best.is_empty() {
        return best;
    }
    let (start, end) = (places.start.div_euclid(GROWTH), places.end.div_euclid(GROWTH));
    for (start, end) in [(start, end), (start + 1, end), (start, end + 1), (start + 1, end + 1)] {
        let mut these = cover(longer, start..end);
        let (from, until) = (start * GROWTH, end * GROWTH);
        these.extend(parts(from..places.start, true).chain(parts(places.start..from, false)));
        these.extend(parts(places.end..until, true).chain(parts(until..places.end, false)));
        // Where nothing is in between, the ends must not have passed one another.
        if start <= end && these.len() < best.len() {
            best = these;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn days(from: i32, length: i32) -> Range<Day> {
        Day::from_number(from)..Day::from_number(from + length)
    }

    proptest! {
        #[test]
        fn any_range_is_a_few_spans(from in -1_000i32..40_000, length in 0i32..367) {
            let parts = parts_of(&days(from, length));
            let mut count = BTreeMap::new();
            for Part { span, taken_away } in &parts {
                for day in span.place * span.days..(span.place + 1) * span.days {
                    *count.entry(day).or_insert(0) += if *taken_away { -1 } else { 1 };
                }
            }
            count.retain(|_, n| *n != 0);
            prop_assert_eq!(count, (from..from + length).map(|day| (day, 1)).collect());
            prop_assert!(parts.len() <= 18, "{} parts", parts.len());
            prop_assert!(length > 31 || parts.len() <= 9, "{} parts", parts.len());
        }
    }

    #[test]
    fn a_day_is_in_one_span_of_each_length() {
        let spans = spans_of(Day::from_number(-1));
        assert_eq!(
            spans.map(|span| (span.days, span.place)),
            [(1, -1), (4, -1), (16, -1), (64, -1)]
        );
    }
}
