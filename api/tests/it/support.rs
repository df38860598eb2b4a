//! The whole API over a real log, real read models and sandboxes that are not there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use theazo_api::{
    ApiConfig, AppParts, AppState, IdempotencyStore, ProviderHealth, SqliteIdempotency, ToolInfo,
    router,
};
use theazo_billing::push::{Billers, Patience};
use theazo_commands::api_key::NewKey;
use theazo_commands::{Blobs, Commander, MasterKey, Origin, Vault};
use theazo_domain::org::Plan;
use theazo_domain::providers::ProviderKind;
use theazo_domain::{ApiKeyId, Mode, OrgId, Scope, Timestamp};
use theazo_log::live::Live;
use theazo_log::{SqliteLog, SqliteOptions};
use theazo_models::net::guarded_client;
use theazo_models::{Models, ModelsConfig, PlatformKey};
use theazo_projections::{ChainKey, Options, Projector, ReadModels};
use theazo_providers::Health;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::sandboxes::Sandboxes;

/// How long something that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// More requests than any test makes.
pub const MANY: Plan = Plan::Enterprise { requests_per_minute: 1_000_000 };
const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub struct App {
    pub router: Router,
    pub state: AppState,
    pub commander: Arc<Commander>,
    /// What models are saying.
    pub live_text: Live,
    pub sandboxes: Arc<Sandboxes>,
    pub folder: TempDir,
    answers: Arc<SqliteIdempotency>,
    /// The first org's live key.
    pub live: Key,
    /// The first org's test key.
    pub test: Key,
    /// Another org's live key.
    pub other: Key,
    stop: CancellationToken,
}

#[derive(Clone)]
pub struct Key {
    pub id: ApiKeyId,
    pub scope: Scope,
    pub secret: String,
}

/// Every provider of the tests is well, except `e2b`.
struct TestHealth;

#[async_trait]
impl ProviderHealth for TestHealth {
    fn last(&self, _: ProviderKind) -> Option<Health> {
        None
    }

    async fn check(&self, provider: ProviderKind) -> Option<Health> {
        let healthy = provider != ProviderKind::E2b;
        Some(Health { healthy, message: format!("{provider} was looked at") })
    }
}

/// A platform with a key for Anthropic and none for OpenAI.
fn models() -> ModelsConfig {
    let anthropic = Some(PlatformKey { key: "sk-test".into(), base_url: None });
    ModelsConfig { anthropic, ..ModelsConfig::default() }
}

fn tool(name: &str, mutates: bool) -> ToolInfo {
    ToolInfo {
        name: name.to_owned(),
        description: format!("Does what {name} says."),
        input_schema: serde_json::json!({ "type": "object" }),
        repeatable: true,
        mutates,
    }
}

impl App {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(configure: impl FnOnce(&mut ApiConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let log = SqliteLog::open(SqliteOptions::new(path("log.db"))).await.unwrap();
        let master = MasterKey::parse(MASTER).unwrap();
        let vault = Vault::open(&path("keys.db"), &master).await.unwrap();
        let blobs = Blobs::in_folder(&path("blobs")).unwrap();
        let commander = Arc::new(Commander::new(log.clone(), vault, blobs));
        let chain_key = ChainKey::new(master.derive("chain").to_vec());
        let options = Options { chain_interval: 10, ..Options::new(chain_key.clone()) };
        let reads = ReadModels::open(&path("reads.db"), options).await.unwrap();
        let stop = CancellationToken::new();
        Projector::start(log, reads.clone(), stop.clone());
        let sandboxes = Sandboxes::start(commander.clone());
        let answers = SqliteIdempotency::open(&path("idempotency.sqlite")).await.unwrap();
        let answers = Arc::new(answers);
        let mut config = ApiConfig::new("http://localhost:7070", folder.path());
        configure(&mut config);
        let live_text = Live::new();
        // On addresses that may not be called.
        let billers = Billers {
            client: guarded_client(false).unwrap(),
            stripe_url: "http://127.0.0.1:9".to_owned(),
            metronome_url: "http://127.0.0.1:9".to_owned(),
            patience: Patience { tries: 1, ..Patience::default() },
        };
        let parts = AppParts {
            commander: commander.clone(),
            reads,
            gateway: sandboxes.clone(),
            health: Arc::new(TestHealth),
            available: vec![ProviderKind::Local, ProviderKind::E2b],
            models: Models::new(models()).unwrap(),
            billers: Arc::new(billers),
            live: live_text.clone(),
            tools: vec![tool("write_file", true), tool("report_progress", false)],
            cursor_key: master.derive("cursors"),
            webhook_key: master.derive("webhooks"),
            chain_key,
            idempotency: answers.clone(),
            shared: None,
            warnings: vec![],
            config,
        };
        let state = AppState::start(parts, stop.clone()).unwrap();
        let live = key(&commander, 1, Mode::Live, MANY).await;
        let test = key(&commander, 1, Mode::Test, MANY).await;
        let other = key(&commander, 2, Mode::Live, MANY).await;
        let router = router(state.clone());
        Self {
            router,
            state,
            commander,
            live_text,
            sandboxes,
            folder,
            answers,
            live,
            test,
            other,
            stop,
        }
    }

    /// A request with the first org's live key.
    pub fn request(&self, method: &str, target: &str) -> Call {
        self.anonymous(method, target).key(&self.live)
    }

    /// A request with no key.
    pub fn anonymous(&self, method: &str, target: &str) -> Call {
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        Call { router: self.router.clone(), request, body: Body::empty() }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send().await
    }

    pub async fn post(&self, target: &str, body: Value) -> Answer {
        self.request("POST", target).json(&body).send().await
    }

    /// A shutdown begins.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// As after a crash that lost the answers kept under idempotency keys.
    pub async fn forget_answers(&self) {
        let late = Timestamp::from_millis(i64::MAX);
        self.answers.sweep(late).await.unwrap();
    }

    pub async fn delete(&self, target: &str) -> Answer {
        self.request("DELETE", target).send().await
    }

    /// A session of the first org's live half.
    pub async fn session(&self, user: &str) -> String {
        let answer = self.post("/v1/sessions", serde_json::json!({ "userId": user })).await;
        answer.is(StatusCode::CREATED).text("id")
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A new key of org `n`, which is made if it is not there.
pub async fn key(commander: &Commander, n: u128, mode: Mode, plan: Plan) -> Key {
    let org = OrgId::from_uuid(Uuid::from_u128(n));
    let origin = |mode| Origin::cli(Scope { org, mode });
    if mode == Mode::Live {
        commander.create_org(&origin(Mode::Live), &format!("org {n}"), plan).await.unwrap();
    }
    let new = NewKey::random(mode);
    let done = commander.create_api_key(&origin(mode), "of a test", &new).await.unwrap();
    let secret = new.reveal().expose_secret().to_owned();
    Key { id: done.state.id, scope: Scope { org, mode }, secret }
}

/// A request that is being made.
pub struct Call {
    router: Router,
    request: axum::http::request::Builder,
    body: Body,
}

impl Call {
    pub fn key(self, key: &Key) -> Self {
        self.bearer(&key.secret)
    }

    pub fn bearer(mut self, secret: &str) -> Self {
        if let Some(headers) = self.request.headers_mut() {
            headers.insert("authorization", format!("Bearer {secret}").parse().unwrap());
        }
        self
    }

    /// To another server.
    pub fn at(self, router: Router) -> Self {
        Self { router, ..self }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn idempotent(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The answer as it comes.
    pub async fn stream(self) -> axum::response::Response {
        let request = self.request.body(self.body).unwrap();
        self.router.oneshot(request).await.unwrap()
    }

    pub async fn send(self) -> Answer {
        let response = self.stream().await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, bytes: bytes.to_vec(), json }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub json: Value,
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub fn is(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// The answer, if it is an error with this status and code in the envelope.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Self {
        let answer = self.is(StatusCode::from_u16(status).unwrap());
        let error = &answer.json["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
        assert_eq!(error["requestId"], answer.header("x-request-id"), "{error}");
        assert_eq!(answer.header("content-type"), "application/json");
        answer
    }

    /// The answer, if it is a 422 that names this field first.
    #[track_caller]
    pub fn wrong_field(self, path: &str) -> Self {
        let answer = self.fails(422, "unprocessable_entity");
        assert_eq!(answer.json["error"]["details"]["fields"][0]["path"], path, "{}", answer.json);
        answer
    }

    /// A text at the top of the body.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        self.json[field].as_str().unwrap_or_else(|| panic!("no {field}: {}", self.json)).to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The values of one field of a list's rows.
    pub fn column(&self, field: &str) -> Vec<String> {
        let rows = self.json["data"].as_array().unwrap();
        rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    }
}
