use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Response};
use tokio::sync::watch;

use super::StripeServer;
use super::answer::Answer;
use super::book::{Book, Form, read_form, shown};

/// How it answers a meter event otherwise than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// With this status; the event is not taken.
    Status(u16),
    /// With 429, and this `Retry-After`, in seconds.
    TooMany(u32),
    /// With 500, after the event was taken.
    TakenAndLost,
}

/// Where a call is kept until it is let go, or its caller is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It has not taken effect.
    Before,
    /// It has, and nobody was told.
    After,
}

pub(super) struct Shared {
    book: Mutex<Book>,
    failing: Mutex<VecDeque<Failing>>,
    /// The call that is to be kept, counted from now.
    hold: Mutex<Option<(u64, Hold)>>,
    kept: watch::Sender<bool>,
    /// Calls under way, for each customer.
    in_flight: Mutex<BTreeMap<String, u32>>,
}

/// A call of a customer that is under way: it ends when its caller is gone, too.
struct InFlight<'s>(&'s Shared, String);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(calls) = self.0.in_flight.lock().unwrap().get_mut(&self.1) {
            *calls -= 1;
        }
    }
}

impl Shared {
    pub fn new(event_name: &str) -> Self {
        Self {
            book: Mutex::new(Book::new(event_name)),
            failing: Mutex::default(),
            hold: Mutex::default(),
            kept: watch::Sender::new(false),
            in_flight: Mutex::default(),
        }
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub fn failing(&self) -> MutexGuard<'_, VecDeque<Failing>> {
        self.failing.lock().unwrap()
    }

    pub fn hold(&self, call: u64, hold: Hold) {
        *self.hold.lock().unwrap() = Some((call, hold));
    }

    pub async fn held(&self) {
        self.kept.subscribe().wait_for(|kept| *kept).await.unwrap();
    }

    pub fn release(&self) {
        *self.hold.lock().unwrap() = None;
        self.kept.send_replace(false);
    }

    /// Where the call that begins now is kept.
    fn hold_of_this(&self) -> Option<Hold> {
        let mut hold = self.hold.lock().unwrap();
        match *hold {
            Some((0, place)) => {
                *hold = None;
                Some(place)
            }
            Some((left, place)) => {
                *hold = Some((left - 1, place));
                None
            }
            None => None,
        }
    }

    async fn keep(&self) {
        self.kept.send_replace(true);
        self.kept.subscribe().wait_for(|kept| !*kept).await.unwrap();
    }

    fn enter(&self, customer: &str) -> Option<InFlight<'_>> {
        let mut in_flight = self.in_flight.lock().unwrap();
        let calls = in_flight.entry(customer.to_owned()).or_default();
        *calls += 1;
        let call = InFlight(self, customer.to_owned());
        let alone = *calls == 1;
        // Its end takes the same lock.
        drop(in_flight);
        alone.then_some(call)
    }

    async fn meter_event(&self, headers: &HeaderMap, body: &str) -> Answer {
        let form = read_form(body);
        self.book().calls += 1;
        let customer = form.get("payload[stripe_customer_id]").cloned().unwrap_or_default();
        let Some(_in_flight) = self.enter(&customer) else {
            let message = "Too many concurrent requests for this customer and meter.";
            self.book().violations.push(format!("two calls at a time: {}", shown(&form)));
            return Answer::error(429, "lock_timeout", message, "");
        };
        let hold = self.hold_of_this();
        if hold == Some(Hold::Before) {
            self.keep().await;
        }
        let failing = self.failing().pop_front();
        match failing {
            Some(Failing::Status(status)) => return Answer::error(status, "", "As told.", ""),
            Some(Failing::TooMany(seconds)) => {
                let answer = Answer::error(429, "rate_limit", "Too many requests.", "");
                return answer.with("retry-after", seconds.to_string());
            }
            Some(Failing::TakenAndLost) | None => {}
        }
        let answer = self.once(headers, body, &form);
        if hold == Some(Hold::After) {
            self.keep().await;
        }
        match failing {
            Some(_) => Answer::error(500, "", "As told.", ""),
            None => answer,
        }
    }

    /// As it was answered before, where the key says that it was.
    fn once(&self, headers: &HeaderMap, body: &str, form: &Form) -> Answer {
        let mut book = self.book();
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        if let Some(key) = &key
            && let Some(answer) = book.answer_of(key, body)
        {
            return answer;
        }
        let answer = book.create(form);
        // What is found wrong before anything is done is not kept.
        if let Some(key) = key
            && answer.status == 200
        {
            let now = book.now();
            book.answered.insert(key, (body.to_owned(), answer.clone(), now));
        }
        answer
    }
}

pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let number = {
        let mut book = shared.book();
        book.requests += 1;
        book.requests
    };
    let key = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key != Some(&format!("Bearer {}", StripeServer::KEY)) {
        let message = "Invalid API Key provided: sk_test_********";
        return Answer::error(401, "", message, "").render(number);
    }
    let path = head.uri.path().to_owned();
    let summaries = path
        .strip_prefix("/v1/billing/meters/")
        .and_then(|rest| rest.strip_suffix("/event_summaries"));
    let answer = match (&head.method, path.as_str(), summaries) {
        (&Method::POST, "/v1/billing/meter_events", _) => {
            shared.meter_event(&head.headers, &body).await
        }
        (&Method::POST, "/v1/billing/meter_event_adjustments", _) => {
            shared.book().adjust(&read_form(&body))
        }
        (&Method::GET, _, Some(meter)) => {
            shared.book().summaries(meter, &read_form(head.uri.query().unwrap_or_default()))
        }
        (method, ..) => {
            let message = format!("Unrecognized request URL ({method}: {path}).");
            Answer::error(404, "", &message, "")
        }
    };
    answer.render(number)
}
