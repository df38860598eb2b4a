//! One request, from the socket to its answer.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use serde_json::Value;

use super::ids::IdSeed;
use super::render::{JSON, Rendered, render};
use super::reply::{Content, Part, Reply, StopReason};
use super::request::{Request, Wire};
use super::script::{Allow, Script, holds};
use super::sent::{Block, Sent};
use super::{anthropic, body, capture, chat, errors, validate};

/// The vendors take 32 MB.
const LARGEST: usize = 32 << 20;

/// What all requests share.
#[derive(Default)]
pub(super) struct Shared {
    pub scripts: Mutex<Scripts>,
    pub requests: capture::Requests,
    pub sent: Mutex<Sent>,
    pub violations: Mutex<Vec<String>>,
    pub allowed: Mutex<Vec<Allow>>,
    pub models: Mutex<Vec<String>>,
}

/// Who is answered by which script.
#[derive(Default)]
pub(super) struct Scripts {
    pub by_marker: Vec<(String, Arc<Script>)>,
    pub by_model: Vec<(String, Arc<Script>)>,
    pub default: Option<Arc<Script>>,
}

impl Scripts {
    /// The script, and its marker when it was found by one. What the user said first counts more
    /// than what else is said, and a long marker more than a short one.
    fn of(&self, request: &Request) -> Option<(Option<String>, Arc<Script>)> {
        let longest = |in_text: &dyn Fn(&str) -> bool| {
            let found = self.by_marker.iter().filter(|(marker, _)| in_text(marker));
            found.max_by_key(|(marker, _)| marker.len())
        };
        let anywhere = |marker: &str| request.messages.iter().any(|m| holds(&m.text, marker));
        let marked = longest(&|marker| holds(request.first_user_text(), marker))
            .or_else(|| longest(&anywhere));
        if let Some((marker, script)) = marked {
            return Some((Some(marker.clone()), script.clone()));
        }
        let model = self.by_model.iter().find(|(model, _)| *model == request.model);
        let script = model.map(|(_, script)| script).or(self.default.as_ref())?;
        Some((None, script.clone()))
    }
}

/// What is asked for. A gateway may have a path of its own before `/v1`.
enum Endpoint {
    Model(Wire),
    CountTokens,
    Models,
}

fn endpoint(method: &Method, path: &str) -> Option<Endpoint> {
    let path = &path[path.find("/v1/")?..];
    match (method, path) {
        (&Method::POST, "/v1/messages") => Some(Endpoint::Model(Wire::Anthropic)),
        (&Method::POST, "/v1/messages/count_tokens") => Some(Endpoint::CountTokens),
        (&Method::POST, "/v1/chat/completions") => Some(Endpoint::Model(Wire::Chat)),
        (&Method::POST, "/v1/responses") => Some(Endpoint::Model(Wire::Responses)),
        (&Method::GET, "/v1/models") => Some(Endpoint::Models),
        _ => None,
    }
}

pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    http: axum::extract::Request,
) -> Response<Body> {
    let (head, content) = http.into_parts();
    let path = head.uri.path().to_owned();
    let Some(endpoint) = endpoint(&head.method, &path) else {
        shared.violation(format!("{} {path}: there is no such route", head.method));
        let body = errors::body(Wire::Chat, 404, None, Some("Unknown route"), false);
        return answer(StatusCode::NOT_FOUND, JSON, body.into());
    };
    let (wire, counting) = match endpoint {
        Endpoint::Model(wire) => (wire, false),
        Endpoint::CountTokens => (Wire::Anthropic, true),
        Endpoint::Models => {
            let models = shared.models.lock().unwrap().clone();
            let theirs = head.headers.contains_key("anthropic-version");
            let list = if theirs { anthropic::models(&models) } else { chat::models(&models) };
            return answer(StatusCode::OK, JSON, list.into());
        }
    };
    let Ok(raw) = to_bytes(content, LARGEST).await else {
        let body = errors::body(wire, 413, None, None, false);
        return answer(StatusCode::PAYLOAD_TOO_LARGE, JSON, body.into());
    };
    let value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    let request = Request::new(wire, &path, head.headers, value);
    shared.reply(request, raw, counting).await
}

fn answer(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(body).expect("it has only headers of ours")
}

impl Shared {
    pub fn violation(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }

    async fn reply(&self, request: Request, raw: Bytes, counting: bool) -> Response<Body> {
        let found = self.scripts.lock().unwrap().of(&request);
        let marker = found.as_ref().and_then(|(marker, _)| marker.clone());
        let conversation = marker.unwrap_or_else(|| request.first_user_text().to_owned());
        let name = format!("{} [{conversation}] call {}", request.path, request.answers());
        let mut delivery = self.requests.begin(&request, raw.clone(), conversation);

        let script = found.map(|(_, script)| script);
        let wrong = self.complaints(&request, &raw, script.as_deref(), counting);
        if !wrong.is_empty() {
            wrong.iter().for_each(|what| self.violation(format!("{name}: {what}")));
            return refuse(&request, &wrong.join("; "), delivery);
        }
        if counting {
            delivery.status(200);
            delivery.end(true);
            let count = anthropic::token_count(&request.body);
            return answer(StatusCode::OK, JSON, count.into());
        }
        let reply = script.ok_or_else(|| "there is no script for this".to_owned());
        let reply = match reply.and_then(|script| script.reply(&request)) {
            Ok(reply) => reply,
            Err(why) => {
                self.violation(format!("{name}: {why}"));
                return refuse(&request, &why, delivery);
            }
        };
        for (_, gate) in reply.gates.iter().filter(|(at, _)| at.is_none()) {
            gate.pass().await;
        }
        if matches!(reply.content, Content::HangUp) {
            delivery.end(false);
            // Ends the task of this connection, and with it the connection.
            std::panic::resume_unwind(Box::new("the script hangs up"));
        }
        let mut rendered = render(&request, &reply, IdSeed(request.call()));
        self.remember(&request, &reply, rendered.turn.take());
        respond(&request, reply, rendered, delivery)
    }

    fn complaints(
        &self,
        request: &Request,
        raw: &Bytes,
        script: Option<&Script>,
        counting: bool,
    ) -> Vec<String> {
        let mut allowed = self.allowed.lock().unwrap().clone();
        allowed.extend(script.iter().flat_map(|script| &script.allowed));
        let raw = String::from_utf8_lossy(raw);
        validate::check(request, &raw, &self.sent.lock().unwrap(), &allowed, counting)
    }

    /// Keeps what has to come back.
    fn remember(&self, request: &Request, reply: &Reply, turn: Option<Vec<Block>>) {
        let mut sent = self.sent.lock().unwrap();
        let (wire, call) = (request.wire, request.call());
        match (&reply.content, turn) {
            (Content::Raw { .. }, _) => sent.remember_opaque(request.conversation()),
            (Content::Turn(said), Some(blocks)) => {
                if said.stop == Some(StopReason::MaxTokens) {
                    // Calls that may be half written are better not sent back.
                    let kept = blocks.iter().zip(&said.parts);
                    let kept = kept.filter(|(_, part)| !matches!(part, Part::ToolCall { .. }));
                    let kept = kept.map(|(block, _)| block.clone()).collect();
                    sent.remember(wire, call, kept, false);
                }
                let paused = said.stop == Some(StopReason::PauseTurn);
                sent.remember(wire, call, blocks, paused);
            }
            _ => {}
        }
    }
}

/// Refuses a request that is not well formed, in the vendor's words.
fn refuse(request: &Request, why: &str, mut delivery: capture::Delivery) -> Response<Body> {
    let kind = Some("invalid_request_error");
    let body = errors::body(request.wire, 400, kind, Some(why), false);
    delivery.status(400);
    delivery.end(false);
    answer(StatusCode::BAD_REQUEST, JSON, body.into())
}

fn respond(
    request: &Request,
    reply: Reply,
    rendered: Rendered,
    delivery: capture::Delivery,
) -> Response<Body> {
    delivery.status(rendered.status);
    let id = format!("req_{:016x}{:08x}", request.call(), request.answers());
    let id_header = match request.wire {
        Wire::Anthropic => "request-id",
        Wire::Chat | Wire::Responses => "x-request-id",
    };
    let mut response = Response::builder().status(rendered.status).header(id_header, id);
    if !reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        response = response.header("content-type", rendered.content_type);
    }
    if rendered.content_type != JSON {
        response = response.header("cache-control", "no-cache");
    }
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    // Gates before the head were passed already; those of a refusal are at its chunks.
    let content = body::body(rendered, reply.gates, reply.fault, reply.pause, delivery);
    response.body(content).expect("a script's headers are headers")
}
