use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;
use theazo_billing::{
    COLUMNS, Customers, Format, MAX_VALUE, NoCustomers, Period, Place, export, records,
};
use theazo_domain::{Pico, Scope};
use theazo_log::{EventLog, Position};

use crate::support::{Broken, World, at, may, scope};

async fn text_of(log: Arc<dyn EventLog>, scope: Scope, after: Place, format: Format) -> String {
    let parts = export(records(log, scope, after, may()), format, Arc::new(Mapped));
    let parts: Vec<_> = parts.map(|part| part.unwrap()).collect().await;
    String::from_utf8(parts.concat()).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

struct Mapped;

impl Customers for Mapped {
    fn customer(&self, user_id: &str) -> Option<&str> {
        (user_id == "bob").then_some("cus_of_bob")
    }
}

/// Of one user with a customer, one with a customer of the org's, and one with none.
async fn world() -> World {
    let mut world = World::new().await;
    let ours = scope(1);
    world.session(ours, 1, "ann", Some("cus_of_ann")).await;
    world.session(ours, 2, "bob", None).await;
    world.session(ours, 3, "=cmd|' /C calc'!A0", None).await;
    let (from, until) = (at("2026-05-03T12:00:00Z"), at("2026-05-04T12:00:00Z"));
    world.compute(ours, 1, (from, until), until).await;
    world.call(ours, (2, 0), until, until, Pico(3 * MAX_VALUE - 1)).await;
    world.call(ours, (3, 0), until, at("2026-06-03T00:00:00Z"), Pico(11)).await;
    world.storage(ours, 1, until.day(), at("2026-05-05T00:01:00Z")).await;
    world
}

#[tokio::test]
async fn csv_has_a_header_and_a_row_for_each_record() {
    let world = world().await;
    let text = text_of(world.log(), scope(1), Place::START, Format::Csv).await;
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'));
    let rows: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(rows[0], COLUMNS.join(","));
    assert_eq!(rows.len(), 1 + 5);
    assert!(
        rows[3].contains(",bob,") && rows[3].contains(",model,m,,0,0,0,1,,m@1,table,"),
        "{}",
        rows[3]
    );
    assert!(rows[4].contains(",true,'=cmd|' /C calc'!A0,"), "{}", rows[4]);
    assert!(rows[1].contains("2026-05-03T12:00:00.000Z,2026-05-04T00:00:00.000Z,"), "{}", rows[1]);
    assert!(rows[1].contains(",compute,,43200000,,,,,,compute.local.2026-11,,"), "{}", rows[1]);
    for row in &rows {
        assert_eq!(row.split(',').count(), COLUMNS.len(), "{row}");
    }
}

#[tokio::test]
async fn json_has_the_same_columns() {
    let world = world().await;
    let rows = lines(&text_of(world.log(), scope(1), Place::START, Format::Json).await);
    let costs: Vec<&str> = rows.iter().map(|row| row["costPico"].as_str().unwrap()).collect();
    assert_eq!(costs[2..4], ["2999999999999996", "11"]);
    for row in &rows {
        for key in row.as_object().unwrap().keys() {
            assert!(COLUMNS.contains(&key.as_str()), "{key}");
        }
    }
    assert_eq!(rows[3]["userId"], "=cmd|' /C calc'!A0", "as it is");
    assert_eq!(rows[4]["meter"], "storage");
    assert_eq!(rows[4]["byteSeconds"], 1u64 << 40);
}

#[tokio::test]
async fn stripe_gets_whole_numbers_and_hears_of_who_has_no_customer() {
    let world = world().await;
    let rows = lines(&text_of(world.log(), scope(1), Place::START, Format::Stripe).await);
    let of_bob: Vec<&Value> =
        rows.iter().filter(|row| row["payload"]["stripe_customer_id"] == "cus_of_bob").collect();
    let values: Vec<i128> = of_bob
        .iter()
        .map(|row| row["payload"]["value"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(values.iter().sum::<i128>(), 3 * MAX_VALUE - 1);
    assert!(values.iter().all(|value| *value <= MAX_VALUE));
    let identifier = |row: &Value| row["identifier"].as_str().unwrap().to_owned();
    let first = identifier(of_bob[0]);
    assert_eq!(identifier(of_bob[1]), format!("{first}#2"));
    assert_eq!(identifier(of_bob[2]), format!("{first}#3"));
    assert!(of_bob[0].get("position").is_none() && of_bob[2].get("position").is_some());
    assert_eq!(of_bob[0]["timestamp"], at("2026-05-04T12:00:00Z").as_millis() / 1_000);

    let refused = rows.iter().find(|row| row.get("error").is_some()).unwrap();
    assert_eq!(refused["error"]["code"], "no_customer");
    assert_eq!(refused["error"]["costPico"], "11");
    let summary = &rows.last().unwrap()["summary"];
    assert_eq!(summary["records"], 5);
    assert_eq!(summary["events"], 3 + 3);
    assert_eq!(summary["recordsWithoutCustomer"], 1);
    assert_eq!(summary["usersWithoutCustomer"][0], "=cmd|' /C calc'!A0");
}

#[tokio::test]
async fn an_adjustment_is_billed_when_it_was_recorded() {
    let mut world = world().await;
    world.set_customer(scope(1), 3, "cus_3", at("2026-06-04T00:00:00Z")).await;
    let rows = lines(&text_of(world.log(), scope(1), Place::START, Format::Stripe).await);
    let late = rows.iter().find(|row| row["payload"]["stripe_customer_id"] == "cus_3").unwrap();
    assert_eq!(late["timestamp"], at("2026-06-03T00:00:00Z").as_millis() / 1_000);
}

#[tokio::test]
async fn after_each_row_come_exactly_the_rest() {
    let world = world().await;
    for format in Format::ALL {
        let all = text_of(world.log(), scope(1), Place::START, format).await;
        let records = world.records(scope(1), Place::START, may()).await;
        for record in &records {
            let rest = text_of(world.log(), scope(1), record.place, format).await;
            let position = record.place.to_string();
            let (_, after) = all.split_once(&position).unwrap();
            let after = after.split_once('\n').unwrap().1;
            let rows = |text: &str| -> Vec<String> {
                let of_row =
                    |line: &&str| !line.contains("summary") && !line.starts_with("position");
                text.lines().filter(of_row).map(str::to_owned).collect()
            };
            assert_eq!(rows(&rest), rows(after), "{format:?} after {position}");
        }
    }
}

#[tokio::test]
async fn a_log_that_breaks_off_is_no_clean_end() {
    let mut world = World::new().await;
    let (ours, time) = (scope(1), at("2026-05-02T00:00:00Z"));
    world.session(ours, 1, "ann", None).await;
    for step in 0..600 {
        world.call(ours, (1, step), time, time, Pico(1)).await;
    }
    for format in Format::ALL {
        let broken = Broken { log: world.log(), after: Position(400) };
        let records = records(Arc::new(broken), ours, Place::START, Period::EVER);
        let mut parts: Vec<_> = export(records, format, Arc::new(NoCustomers)).collect().await;
        let last = parts.pop().unwrap();
        assert!(last.unwrap_err().to_string().contains("the disk is gone"));
        let text: Vec<u8> = parts.into_iter().flat_map(|part| part.unwrap()).collect();
        let text = String::from_utf8(text).unwrap();
        assert!(text.lines().count() >= 400, "what was read before is there");
        assert!(!text.contains("summary"));
    }
}
