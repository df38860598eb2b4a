//! A client that does not give up: the same request, with the same key, until it is answered.

use std::time::{Duration, Instant};

use theazo_tests::{Answer, Call, Client, Value, json};

/// How long a request may go without a final answer. No disturbance lasts half as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long one try may take.
pub const TRY: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

/// Sends it until it is answered by something else than that it cannot be answered now.
pub async fn insist(call: Call) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = match call.clone().send().await {
            Ok(answer) if is_final(&answer) => return answer,
            Ok(answer) => answer.brief(),
            Err(error) => format!("{error:?}"),
        };
        assert!(
            Instant::now() < deadline,
            "{}: no answer within {PATIENCE:?}: {last}",
            call.name()
        );
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_final(answer: &Answer) -> bool {
    match answer.status {
        // It is not done, or not known to be done: the same again is what the caller is told to do.
        429 | 500 | 503 => false,
        409 => answer.header("retry-after").is_none(),
        _ => true,
    }
}

/// What the API shows, as soon as it shows anything.
pub async fn look(client: &Client, path: &str) -> Value {
    insist(client.get(path)).await.expect(200)
}

/// Every entry of a list.
pub async fn all(client: &Client, path: &str) -> Vec<Value> {
    let sep = if path.contains('?') { '&' } else { '?' };
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = look(client, &format!("{path}{sep}limit=100{cursor}")).await;
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// A command that makes something, which the same request again must answer with.
#[derive(Debug, Clone)]
pub struct Made {
    pub client: Client,
    pub path: String,
    pub body: Value,
    pub key: String,
    /// The field of the answer that names what was made.
    pub field: &'static str,
    pub id: String,
}

impl Made {
    /// Has it made; `None` when it is refused, and why.
    pub async fn new(
        client: &Client,
        (path, body): (String, Value),
        key: &str,
        field: &'static str,
    ) -> Result<Self, Answer> {
        let answer = insist(client.post(&path, body.clone()).once(key)).await;
        if answer.status != 201 && answer.status != 202 && answer.status != 200 {
            return Err(answer);
        }
        let id = answer.json()[field].as_str().unwrap().to_owned();
        Ok(Self { client: client.clone(), path, body, key: key.to_owned(), field, id })
    }

    /// The same key again is the same thing.
    pub async fn must_be_known(&self) {
        let call = self.client.post(&self.path, self.body.clone()).once(&self.key);
        let answer = insist(call).await.ok();
        assert_eq!(answer[self.field], json!(self.id), "{} {}", self.path, self.key);
    }
}
