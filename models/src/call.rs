//! One attempt at one route: send, read the stream, give out what comes.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request};
use rand::Rng;
use secrecy::SecretString;
use theazo_domain::pricing::TokenUsage;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::codec::{self, Decoder, Transcript, check_calls, malformed};
use crate::contract::{ModelError, ModelErrorKind, ModelEvent, Prompt, TurnResult};
use crate::estimate::{estimate_prompt, estimate_tokens, estimate_usage};
use crate::net::{Client, NetError, Response};
use crate::redact::redact;
use crate::retry::{Failure, retry_after, should_retry};
use crate::route::{CredentialSource, Route};
use crate::sse::{SseEvent, SseParser};

/// Bytes of an answer, and of an error.
const MAX_ANSWER: usize = 32 << 20;
const MAX_ERROR: usize = 64 << 10;
/// Characters of a name that the vendor gave.
const MAX_LABEL: usize = 200;

pub type Events = mpsc::Sender<Result<ModelEvent, ModelError>>;

/// A route with what it takes to ask it.
pub struct Leg {
    pub number: u8,
    pub route: Route,
    pub key: Option<SecretString>,
    pub client: Client,
}

/// An attempt under way.
struct Attempt<'a> {
    leg: &'a Leg,
    prompt: &'a Prompt,
    silence: Duration,
    events: &'a Events,
    transcript: Transcript,
    began: Instant,
    first_delta: Option<Duration>,
}

/// Asks once. `Ok` is a whole answer that was given out (or that nobody waits for any more).
pub async fn ask_once(
    leg: &Leg,
    prompt: &Prompt,
    silence: Duration,
    events: &Events,
) -> Result<(), Failure> {
    let attempt = Attempt {
        leg,
        prompt,
        silence,
        events,
        transcript: Transcript::default(),
        began: Instant::now(),
        first_delta: None,
    };
    attempt.run().await.map_err(|mut failure| {
        let error = &mut failure.error;
        error.message = redact(&error.message, leg.key.as_ref());
        error.request_id = error.request_id.take().map(|id| label(&id, leg).into());
        error.leg = leg.number;
        failure
    })
}

/// How reading a stream ended.
enum Ending {
    /// By the vendor's word, or by its end when nothing was missing.
    Whole,
    Error(ModelError),
    /// Nobody listens any more.
    Abandoned,
}

impl Attempt<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let response = self.open().await?;
        let request_id = request_id(&response.headers);
        let mint = rand::rng().random();
        let mut decoder = codec::decoder(self.leg.route.wire, mint);
        let error = match self.read(response, &mut *decoder).await {
            Ending::Abandoned => return Ok(()),
            Ending::Whole => match self.result(decoder, request_id.clone()) {
                Ok(result) => {
                    let _ = self.events.send(Ok(ModelEvent::Done(Box::new(result)))).await;
                    return Ok(());
                }
                Err(error) => error,
            },
            Ending::Error(error) => {
                let usage = error.usage.or_else(|| self.usage_so_far(&*decoder, &error));
                ModelError { usage, ..error }
            }
        };
        let request_id = error.request_id.clone().or(request_id.map(Into::into));
        let told = self.first_delta.is_some();
        Err(Failure { error: ModelError { request_id, ..error }, should_retry: None, told })
    }

    /// Sends the request; an answer is an event stream that begins.
    async fn open(&self) -> Result<Response, Failure> {
        let request = self.request().map_err(Failure::early)?;
        let sent = timeout(self.silence, self.leg.client.send(request)).await;
        let response = match sent {
            Ok(response) => response.map_err(|e| Failure::early(network(&e)))?,
            Err(_) => return Err(Failure::early(self.silent())),
        };
        let content_type = response.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let is_html = content_type.is_some_and(|t| t.starts_with("text/html"));
        if response.status.is_success() && !is_html {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    fn request(&self) -> Result<Request<Bytes>, ModelError> {
        let invalid = |what: String| ModelError::new(ModelErrorKind::Invalid, what);
        let outgoing = codec::encode(&self.leg.route, self.leg.key.as_ref(), self.prompt)?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&outgoing.url)
            .body(Bytes::from(outgoing.body))
            .map_err(|e| invalid(format!("the base URL cannot be used: {e}")))?;
        *request.headers_mut() = outgoing.headers;
        Ok(request)
    }

    /// An answer that is no success.
    async fn refusal(&self, response: Response) -> Failure {
        let (status, headers) = (response.status, response.headers.clone());
        // Without its body, the status has to say it all.
        let body = timeout(self.silence, response.bytes(MAX_ERROR)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let mut error = if status.is_success() || status.is_redirection() {
            let what = if status.is_success() { "a web page" } else { "a redirect" };
            let who = match &self.leg.route.credential {
                // The operator's own addresses are nobody else's business.
                CredentialSource::Platform(vendor) => vendor,
                _ => &self.leg.route.base_url,
            };
            let message = format!(
                "`{who}` answered with {what} (status {status}), not with a model's stream: check \
                 the base URL"
            );
            ModelError::new(ModelErrorKind::Invalid, message)
        } else {
            codec::read_error(self.leg.route.wire, status.as_u16(), &body)
        };
        error.status = Some(status.as_u16());
        error.request_id = request_id(&headers).map(Into::into).or(error.request_id);
        error.retry_after = retry_after(&headers);
        Failure { should_retry: should_retry(&headers), ..Failure::early(error) }
    }

    async fn read(&mut self, mut response: Response, decoder: &mut dyn Decoder) -> Ending {
        let mut parser = SseParser::new(MAX_ANSWER);
        let mut plain = plain_json(&response.headers).then(Vec::new);
        loop {
            let chunk = match timeout(self.silence, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                _ if decoder.is_complete() => return Ending::Whole,
                Ok(Err(error)) => return Ending::Error(network(&error)),
                Err(_) => return Ending::Error(self.silent()),
            };
            let fits = match &mut plain {
                Some(body) => {
                    body.extend_from_slice(&chunk);
                    body.len() <= MAX_ANSWER
                }
                None => parser.push(&chunk).is_ok(),
            };
            if !fits {
                let what = format!("it is longer than {MAX_ANSWER} bytes");
                return Ending::Error(malformed(what));
            }
            if let Some(ending) = self.feed(&mut parser, decoder).await {
                return ending;
            }
        }
        if let Some(body) = plain {
            let data = String::from_utf8_lossy(&body).into_owned();
            if let Some(ending) = self.feed_one(&SseEvent { data, ..<_>::default() }, decoder).await
            {
                return ending;
            }
        }
        parser.end();
        match self.feed(&mut parser, decoder).await {
            Some(ending) => ending,
            None if decoder.is_complete() => Ending::Whole,
            None => {
                let message = "the vendor's answer broke off before its end";
                Ending::Error(ModelError::new(ModelErrorKind::Network, message))
            }
        }
    }

    async fn feed(&mut self, parser: &mut SseParser, decoder: &mut dyn Decoder) -> Option<Ending> {
        while let Some(event) = parser.next() {
            if let Some(ending) = self.feed_one(&event, decoder).await {
                return Some(ending);
            }
        }
        None
    }

    async fn feed_one(&mut self, event: &SseEvent, decoder: &mut dyn Decoder) -> Option<Ending> {
        let fed = decoder.feed(event, &mut self.transcript);
        for delta in self.transcript.take() {
            self.first_delta.get_or_insert_with(|| self.began.elapsed());
            if self.events.send(Ok(delta)).await.is_err() {
                return Some(Ending::Abandoned);
            }
        }
        match fed {
            Ok(true) => Some(Ending::Whole),
            Ok(false) => None,
            Err(error) => Some(Ending::Error(error)),
        }
    }

    fn result(
        &mut self,
        decoder: Box<dyn Decoder>,
        request_id: Option<String>,
    ) -> Result<TurnResult, ModelError> {
        let answer = decoder.finish()?;
        let leg = self.leg;
        check_calls(&answer.tool_calls, leg.key.as_ref())?;
        let usage = answer.usage.unwrap_or_else(|| {
            let written = self.transcript.written();
            estimate_usage(estimate_prompt(self.prompt), &written, &answer.tool_calls)
        });
        let total = self.began.elapsed();
        Ok(TurnResult {
            wire: leg.route.wire,
            model: answer.model.map_or_else(|| leg.route.model.clone(), |name| label(&name, leg)),
            request_id: request_id.or(answer.request_id).map(|id| label(&id, leg)),
            raw: answer.raw,
            segments: std::mem::take(&mut self.transcript.segments),
            tool_calls: answer.tool_calls,
            finish: answer.finish,
            explanation: answer.explanation.map(|why| redact(&why, leg.key.as_ref())),
            usage,
            charged: answer.charged,
            first_delta_ms: millis(self.first_delta.unwrap_or(total)),
            total_ms: millis(total),
            leg: leg.number,
        })
    }

    /// What a broken call costs: what the vendor had said, and for the answer at least what it
    /// had written. A vendor that reports its own failure at once bills nothing.
    fn usage_so_far(&self, decoder: &dyn Decoder, error: &ModelError) -> Option<TokenUsage> {
        let told = self.first_delta.is_some();
        let is_ours = matches!(
            error.kind,
            ModelErrorKind::Network | ModelErrorKind::Timeout | ModelErrorKind::Malformed
        );
        if !told && !is_ours {
            return None;
        }
        let written = self.transcript.written();
        match decoder.usage() {
            Some(said) if said.output >= estimate_tokens(&written) => Some(said),
            Some(said) => {
                let output = estimate_tokens(&written);
                Some(TokenUsage { output, estimated: true, ..said })
            }
            None if told => Some(estimate_usage(estimate_prompt(self.prompt), &written, &[])),
            None => None,
        }
    }

    fn silent(&self) -> ModelError {
        let message = format!("the vendor sent nothing for {} s", self.silence.as_secs_f64());
        ModelError::new(ModelErrorKind::Timeout, message)
    }
}

fn network(error: &NetError) -> ModelError {
    let kind = match error {
        NetError::Refused(_) => ModelErrorKind::Invalid,
        NetError::TooLarge(_) => ModelErrorKind::Malformed,
        NetError::Connect(_) | NetError::Broken(_) | NetError::Tls(_) => ModelErrorKind::Network,
    };
    ModelError::new(kind, error.to_string())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["request-id", "x-request-id", "x-generation-id"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    Some(value.to_str().ok()?.to_owned())
}

/// A name that the vendor gave something, as it is shown and recorded in plain text: short, on one
/// line, and without the key.
fn label(name: &str, leg: &Leg) -> String {
    let name = redact(name, leg.key.as_ref());
    name.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect()
}

/// A gateway that does not stream, whatever it was asked for.
fn plain_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    content_type.is_some_and(|t| t.starts_with("application/json"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
