//! Whatever was used, each breakdown adds up to what the others show for the same period.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use theazo_domain::Timestamp;
use theazo_domain::pricing::TokenUsage;

use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn period(from: &str, until: &str) -> BillingPeriod {
    let (first, end) = (day(from), day(until));
    BillingPeriod { from: first.start(), until: end.start(), days: first..end }
}

fn sums(cost: i128) -> BilledSums {
    BilledSums { number: 1, cost: Pico(cost), ..BilledSums::default() }
}

fn model(name: &str, sums: BilledSums) -> Billed {
    Billed { what: BilledWhat::Model(name.to_owned()), sums }
}

fn json_of(shown: &impl Serialize) -> Value {
    serde_json::to_value(shown).unwrap()
}

fn amounts(rows: &Value) -> Vec<i64> {
    let rows = rows["data"].as_array().unwrap().iter();
    rows.map(|row| row["cost"]["amount"].as_i64().unwrap()).collect()
}

fn cost() -> impl Strategy<Value = i128> {
    prop_oneof![Just(0), Just(5_000_000_000), 0i128..30_000_000_000, 0i128..9_000_000_000_000_000]
}

proptest! {
    #[test]
    fn every_breakdown_adds_up_to_the_same_total(
        compute in cost(), storage in cost(), models in vec(cost(), 0..12), cut in vec(any::<u8>(), 0..9),
    ) {
        let mut rows = vec![
            Billed { what: BilledWhat::Compute, sums: sums(compute) },
            Billed { what: BilledWhat::Storage, sums: sums(storage) },
        ];
        rows.extend(models.iter().enumerate().map(|(n, cost)| model(&format!("m{n}"), sums(*cost))));
        let period = period("2028-02-01", "2028-02-11");
        let summary = json_of(&UsageSummary::new(period.clone(), &rows));
        let usage = json_of(&BillingUsage::new(period.clone(), &rows));
        let total = usage["totalCost"]["amount"].as_i64().unwrap();
        let part = |name: &str| summary[name]["cost"]["amount"].as_i64().unwrap();
        prop_assert_eq!(&summary["total"], &usage["totalCost"]);
        prop_assert_eq!(part("compute") + part("models") + part("storage"), total);
        let by_model = amounts(&json_of(&Breakdown::by_model(rows)));
        prop_assert_eq!(by_model.len(), models.len());
        prop_assert_eq!(by_model.iter().sum::<i64>(), part("models"));

        // The same sum, cut at random into days, and into users.
        let mut left = compute + storage + models.iter().sum::<i128>();
        let mut parts = Vec::new();
        for share in cut {
            parts.push(left * i128::from(share) / 256);
            left -= parts.last().unwrap();
        }
        parts.push(left);
        let days: Vec<_> =
            parts.iter().zip(1..).map(|(cost, n)| (day("2028-01-31").plus(n), Pico(*cost))).collect();
        let by_day = amounts(&json_of(&Breakdown::by_day(&period, &days)));
        prop_assert_eq!(by_day.len(), 10);
        prop_assert_eq!(by_day.iter().sum::<i64>(), total);
        let user = |cost: &i128| BilledUser {
            user_id: "u".to_owned(),
            cost: Pico(*cost),
            records: 1,
            sessions: 0,
            agents: 0,
        };
        let users: Vec<_> = parts.iter().map(user).collect();
        let all = amounts(&json_of(&Breakdown::by_user(users.clone(), 1_000)));
        prop_assert_eq!(all.iter().sum::<i64>(), total);
        // A row is the same, however many are shown.
        let some = amounts(&json_of(&Breakdown::by_user(users, 3)));
        prop_assert_eq!(&some[..], &all[..all.len().min(3)]);
    }
}

#[test]
fn a_summary_is_as_in_the_reference() {
    let tokens = TokenUsage {
        input: 700_000,
        cache_read: 500_000,
        cache_write_short: 30_000,
        cache_write_long: 10_000,
        output: 380_000,
        reasoning: 200_000,
        estimated: false,
    };
    let cents = |cents| Pico::from_cents(cents);
    let compute = BilledSums { cost: cents(710), millis: 142 * 60_000 + 29_999, ..sums(0) };
    let models = BilledSums { cost: cents(830), tokens, ..sums(0) };
    let until: Timestamp = "2025-05-06T14:00:00Z".parse().unwrap();
    let period = BillingPeriod { until, ..period("2025-05-01", "2025-05-07") };
    let seconds = u128::from(period.millis()) / 1_000;
    let kept = BilledSums { cost: cents(4), byte_seconds: (seconds << 30) * 2 / 5, ..sums(0) };
    let rows = [
        Billed { what: BilledWhat::Compute, sums: compute },
        model("m", models),
        Billed { what: BilledWhat::Storage, sums: kept },
        Billed { what: BilledWhat::Sessions, sums: BilledSums { number: 47, ..sums(0) } },
        Billed { what: BilledWhat::Agents, sums: BilledSums { number: 126, ..sums(0) } },
    ];
    let usd = |amount: i64| json!({ "amount": amount, "currency": "usd" });
    let shown = json!({ "from": "2025-05-01T00:00:00.000Z", "until": "2025-05-06T14:00:00.000Z" });
    assert_eq!(
        json_of(&UsageSummary::new(period.clone(), &rows)),
        json!({
            "period": shown,
            "compute": { "minutes": 142, "cost": usd(710) },
            "models": { "inputTokens": 1_240_000, "outputTokens": 380_000, "cost": usd(830) },
            "storage": { "gb": 0.4, "cost": usd(4) },
            "total": usd(1_544),
        })
    );
    assert_eq!(
        json_of(&BillingUsage::new(period, &rows)),
        json!({
            "period": shown, "totalCost": usd(1_544), "computeMinutes": 142, "modelCalls": 1,
            "sessions": 47, "agents": 126,
        })
    );
}

#[test]
fn models_are_the_most_expensive_first_and_say_what_had_no_price() {
    let unpriced = BilledSums { number: 3, unpriced: 2, ..BilledSums::default() };
    let rows = vec![model("b", sums(7)), model("a", sums(7)), model("c", unpriced)];
    let shown = json_of(&Breakdown::by_model(rows));
    let names: Vec<_> = shown["data"].as_array().unwrap().iter().map(|row| &row["model"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(shown["data"][2]["unpricedCalls"], 2);
    assert_eq!(shown["data"][0].get("unpricedCalls"), None);
}

#[test]
fn kept_bytes_are_rounded_to_a_tenth_without_floats() {
    let hour = 3_600_000;
    let gib_hours = |tenths: u128| (tenths << 30) * 360;
    assert_eq!(average_gib(gib_hours(4), hour), 0.4);
    // Half of a tenth, to the even one.
    assert_eq!(average_gib(gib_hours(1) / 2, hour), 0.0);
    assert_eq!(average_gib(gib_hours(3) / 2, hour), 0.2);
    assert_eq!(average_gib(gib_hours(3) / 2 + 1, hour), 0.2);
    assert_eq!(average_gib(gib_hours(1) / 2 + 1, hour), 0.1);
    assert_eq!(average_gib(1, 0), 0.0);
    assert!(average_gib(u128::MAX, 1) > 0.0);
}

#[test]
fn minutes_are_whole_and_rounded_half_to_even() {
    for (millis, minutes) in [(29_999, 0), (30_000, 0), (30_001, 1), (90_000, 2), (150_000, 2)] {
        let compute = BilledSums { millis, ..BilledSums::default() };
        let rows = [Billed { what: BilledWhat::Compute, sums: compute }];
        assert_eq!(Totals::of(&rows).minutes(), minutes, "{millis}");
    }
}
