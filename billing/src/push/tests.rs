use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use theazo_domain::SessionId;
use theazo_domain::export::Outcome;
use theazo_models::net::guarded_client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::*;
use crate::MAX_VALUE;

const DAY: i64 = 86_400_000;

/// A biller that answers these, one after the other, then `200 {}`.
struct Loopback {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    async fn start(answers: &[(u16, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, mut answers) = (asked.clone(), VecDeque::from(answers.to_vec()));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read(&mut socket).await;
                heard.lock().unwrap().push(request);
                let (status, body) = answers.pop_front().unwrap_or((200, "{}"));
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} As told\r\nretry-after: 0\r\nconnection: close\r\n\
                     content-length: {length}\r\n\r\n{body}"
                );
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn exporter(&self, name: Name) -> Box<dyn Exporter> {
        exporter(&self.url, name)
    }
}

/// A request to its end.
async fn read(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut part = [0; 4_096];
        let read = socket.read(&mut part).await.unwrap();
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if read == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

fn exporter(url: &str, name: Name) -> Box<dyn Exporter> {
    let patience = Patience {
        answer: Duration::from_secs(10),
        tries: 3,
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
    };
    let billers = Billers {
        client: guarded_client(true).unwrap(),
        stripe_url: format!("{url}/"),
        metronome_url: url.to_owned(),
        patience,
    };
    let meter_id = Some("mtr_1".to_owned());
    let biller = Biller { event_name: Some("cost".to_owned()), meter_id, ..Biller::default() };
    billers.exporter(name, "sk_test_1".to_owned().into(), &biller)
}

fn record(n: u64, cost: i128) -> ExportRecord {
    ExportRecord {
        id: format!("compute/agt_1/{n}"),
        position: n,
        ordinal: 0,
        session_id: SessionId::from_uuid(Uuid::from_u128(1)),
        user_id: "ann".to_owned(),
        at: Timestamp::from_millis(1_790_000_000_999),
        cost: Pico(cost),
        customer: Some("cus_1".to_owned()),
        rejections: 0,
        refused: None,
    }
}

fn outcomes(sent: &Sent) -> Vec<(Outcome, Option<&str>)> {
    sent.outcomes.iter().map(|told| (told.outcome, told.code.as_deref())).collect()
}

#[tokio::test]
async fn a_meter_event_is_a_form_with_the_records_id() {
    let loopback = Loopback::start(&[]).await;
    let again = ExportRecord { rejections: 2, ..record(2, 7) };
    let sent = loopback.exporter(Name::Stripe).send(&[record(1, 5), again]).await;
    assert_eq!(outcomes(&sent), [(Outcome::Acknowledged, None); 2]);
    assert_eq!(sent.trouble, None);
    let asked = loopback.asked();
    for line in [
        "POST /v1/billing/meter_events HTTP/1.1",
        "authorization: Bearer sk_test_1",
        "content-type: application/x-www-form-urlencoded",
        "idempotency-key: compute/agt_1/1:0",
    ] {
        assert!(asked[0].lines().any(|got| got == line), "{line} is not in {}", asked[0]);
    }
    let form = "event_name=cost&identifier=compute%2Fagt_1%2F1&timestamp=1790000000&\
                payload%5Bstripe_customer_id%5D=cus_1&payload%5Bvalue%5D=5";
    assert!(asked[0].ends_with(form), "{}", asked[0]);
    assert!(asked[1].contains("idempotency-key: compute/agt_1/2:2\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn a_cost_of_more_than_fifteen_digits_is_several_events() {
    let loopback = Loopback::start(&[]).await;
    let dear = record(1, 2 * MAX_VALUE + 3);
    let sent = loopback.exporter(Name::Stripe).send(&[dear]).await;
    assert_eq!(outcomes(&sent), [(Outcome::Acknowledged, None)]);
    let ends: Vec<bool> = loopback
        .asked()
        .iter()
        .zip([("F1", MAX_VALUE), ("F1%232", MAX_VALUE), ("F1%233", 3)])
        .map(|(asked, (id, value))| {
            asked.contains(&format!("%2{id}&")) && asked.ends_with(&format!("%5D={value}"))
        })
        .collect();
    assert_eq!(ends, [true; 3], "{:#?}", loopback.asked());
}

#[tokio::test]
async fn what_stripe_says_is_told_of_each_record() {
    let twice = r#"{"error":{"type":"invalid_request_error",
        "message":"An event already exists with identifier compute/agt_1/1."}}"#;
    let unknown = r#"{"error":{"type":"invalid_request_error",
        "code":"meter_event_customer_not_found","message":"No."}}"#;
    let bare = r#"{"error":{"type":"invalid_request_error"}}"#;
    let answers =
        [(400, twice), (400, unknown), (400, bare), (404, "gone"), (429, "{}"), (503, "{}")];
    let loopback = Loopback::start(&answers).await;
    let records: Vec<_> = (1..=5).map(|n| record(n, 1)).collect();
    let sent = loopback.exporter(Name::Stripe).send(&records).await;
    assert_eq!(
        outcomes(&sent),
        [
            (Outcome::Acknowledged, None),
            (Outcome::Rejected, Some("meter_event_customer_not_found")),
            (Outcome::Rejected, Some("invalid_request_error")),
            (Outcome::Rejected, Some("http_404")),
            // After a 429 and a 503.
            (Outcome::Acknowledged, None),
        ]
    );
    assert_eq!((sent.trouble, loopback.asked().len()), (None, 7));
}

#[tokio::test]
async fn without_an_answer_it_is_said_what_may_have_been_taken() {
    let loopback = Loopback::start(&[(200, "{}"), (500, ""), (500, ""), (500, "")]).await;
    let records: Vec<_> = (1..=4).map(|n| record(n, 1)).collect();
    let sent = loopback.exporter(Name::Stripe).send(&records).await;
    let unsent = (Outcome::Unsent, Some("unavailable"));
    let unknown = (Outcome::Unknown, Some("unavailable"));
    assert_eq!(outcomes(&sent), [(Outcome::Acknowledged, None), unknown, unsent, unsent]);
    assert_eq!(sent.trouble.unwrap().code, "unavailable");
    assert_eq!(loopback.asked().len(), 4, "the others were not tried");

    for (answers, code) in [([(401, ""); 3], "unauthorized"), ([(429, ""); 3], "rate_limited")] {
        let loopback = Loopback::start(&answers).await;
        let sent = loopback.exporter(Name::Stripe).send(&[record(1, 1)]).await;
        assert_eq!(outcomes(&sent), [(Outcome::Unsent, Some(code))]);
        assert_eq!(sent.trouble.unwrap().code, code);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    for name in [Name::Stripe, Name::Metronome] {
        let sent = exporter(&url, name).send(&[record(1, 1)]).await;
        assert_eq!(outcomes(&sent), [unsent]);
    }
}

#[tokio::test]
async fn a_record_that_is_there_in_part_is_in_doubt() {
    let refused = r#"{"error":{"code":"archived_meter"}}"#;
    let loopback = Loopback::start(&[(200, "{}"), (400, refused)]).await;
    let sent = loopback.exporter(Name::Stripe).send(&[record(1, MAX_VALUE + 1)]).await;
    assert_eq!(outcomes(&sent), [(Outcome::Unknown, Some("partly_taken"))]);
}

#[tokio::test]
async fn metronome_takes_batches_and_the_bad_one_is_found() {
    let loopback = Loopback::start(&[(400, ""), (200, ""), (400, ""), (400, ""), (200, "")]).await;
    let mut records: Vec<_> = (1..=4).map(|n| record(n, 1)).collect();
    records.push(ExportRecord { customer: None, ..record(5, 1) });
    let sent = loopback.exporter(Name::Metronome).send(&records).await;
    let yes = (Outcome::Acknowledged, None);
    let no = (Outcome::Rejected, Some("http_400"));
    assert_eq!(outcomes(&sent), [yes, yes, no, yes, (Outcome::Unsent, Some("no_customer"))]);
    let asked = loopback.asked();
    let batch = asked[1].split("\r\n\r\n").nth(1).unwrap();
    let batch: serde_json::Value = serde_json::from_str(batch).unwrap();
    assert_eq!(batch.as_array().unwrap().len(), 2);
    assert_eq!(batch[0]["transaction_id"], "compute/agt_1/1");
    assert_eq!(batch[0]["customer_id"], "cus_1");
    assert_eq!(batch[0]["event_type"], "cost");
    assert_eq!(batch[0]["timestamp"], record(1, 1).at.to_string());
    assert_eq!(batch[0]["properties"]["value"], "1");
}

#[tokio::test]
async fn the_sum_of_a_minute_is_asked_for_and_read_exactly() {
    let page = |values: &str, more: bool| -> &'static str {
        format!(r#"{{"data":[{values}],"has_more":{more}}}"#).leak()
    };
    let two = r#"{"aggregated_value":40},{"aggregated_value":2.0}"#;
    let huge = r#"{"aggregated_value":1e16}"#;
    let half = r#"{"aggregated_value":0.5}"#;
    let answers = [
        (200, page(two, false)),
        (200, page("", false)),
        (200, page(two, true)),
        (200, page(huge, false)),
        (200, page(half, false)),
        (404, "{}"),
    ];
    let loopback = Loopback::start(&answers).await;
    let stripe = loopback.exporter(Name::Stripe);
    let (from, until) = (Timestamp::from_millis(60_000), Timestamp::from_millis(120_000));
    for sum in [Some(Pico(42)), Some(Pico(0)), None, None, None, None] {
        assert_eq!(stripe.total("cus_1", from, until).await, Ok(sum));
    }
    let asked = "GET /v1/billing/meters/mtr_1/event_summaries?\
                 customer=cus_1&start_time=60&end_time=120&limit=100 HTTP/1.1";
    assert!(loopback.asked()[0].starts_with(asked), "{}", loopback.asked()[0]);
}

#[test]
fn what_is_too_old_or_ahead_is_not_sent() {
    let now = Timestamp::from_millis(100 * DAY);
    let at = |millis: i64| Timestamp::from_millis(100 * DAY + millis);
    let stripe = exporter("http://stripe.invalid", Name::Stripe);
    for (time, refused) in [
        (-35 * DAY, None),
        (-35 * DAY - 1, Some(TOO_OLD)),
        (0, None),
        (300_000, None),
        (300_001, Some(IN_FUTURE)),
    ] {
        assert_eq!(stripe.refuses(at(time), now), refused, "{time}");
    }
    let metronome = exporter("http://metronome.invalid", Name::Metronome);
    assert_eq!(metronome.refuses(at(-34 * DAY), now), None);
    assert_eq!(metronome.refuses(at(-34 * DAY - 1), now), Some(TOO_OLD));
    assert_eq!(stripe.refuses(Timestamp::from_millis(i64::MIN), now), Some(TOO_OLD));
    assert_eq!(stripe.refuses(Timestamp::from_millis(i64::MAX), now), Some(IN_FUTURE));
}
