use super::*;

fn platform(anthropic: bool, openai: bool) -> ModelsConfig {
    let key = |base_url: Option<&str>| PlatformKey {
        key: "sk-test".into(),
        base_url: base_url.map(str::to_owned),
    };
    ModelsConfig {
        anthropic: anthropic.then(|| key(Some("http://127.0.0.1:9/"))),
        openai: openai.then(|| key(None)),
        ..ModelsConfig::default()
    }
}

fn resolve(config: &ModelsConfig, json: Option<&str>, mode: Mode) -> Result<Route, RouteError> {
    let prices = PriceTable::built_in();
    let model: Option<ModelConfig> = json.map(|json| serde_json::from_str(json).unwrap());
    Resolver { config, prices: &prices }.route(model.as_ref(), mode)
}

fn live(json: &str) -> Result<Route, RouteError> {
    resolve(&platform(true, true), Some(json), Mode::Live)
}

#[test]
fn the_platforms_default() {
    let default = |a, o| resolve(&platform(a, o), None, Mode::Live);
    let anthropic = default(true, true).unwrap();
    assert_eq!((anthropic.wire, &*anthropic.model), (Wire::Anthropic, "claude-sonnet-5-5"));
    assert_eq!(anthropic.base_url, "http://127.0.0.1:9");
    assert!(!anthropic.byoi);
    let openai = default(false, true).unwrap();
    assert_eq!((openai.wire, &*openai.model), (Wire::OpenaiResponses, "gpt-6.1-sol"));
    assert_eq!(openai.base_url, "https://api.openai.com/v1");
    let none = default(false, false).unwrap_err();
    assert!(none.message.contains("ANTHROPIC_API_KEY") && none.message.contains("/v1/settings"));
    let config = ModelsConfig { default_model: Some("gpt-4o".into()), ..platform(true, true) };
    assert_eq!(resolve(&config, None, Mode::Live).unwrap().model, "gpt-4o");
}

#[test]
fn test_keys_never_leave_the_house() {
    let json = r#"{"provider":"anthropic","credentialRef":"k","fallbacks":["gpt-4o"]}"#;
    let route = resolve(&platform(true, true), Some(json), Mode::Test).unwrap();
    assert_eq!((route.wire, route.credential), (Wire::Mock, CredentialSource::None));
    assert!(route.fallbacks.is_empty());
}

#[test]
fn the_four_shapes() {
    let named = live(r#""anthropic/claude-opus""#).unwrap();
    assert_eq!(named.credential, CredentialSource::Platform("anthropic".into()));
    assert!(named.max_tokens_by_default && named.max_tokens == 32_000);

    let settings = live(r#"{"id":"claude-sonnet","maxTokens":9,"temperature":0.5}"#).unwrap();
    assert_eq!((settings.max_tokens, settings.temperature), (9, Some(0.5)));
    assert!(!settings.max_tokens_by_default);

    let own = live(r#"{"provider":"openai","credentialRef":"k","id":"gpt-4o"}"#).unwrap();
    assert_eq!(own.credential, CredentialSource::Secret("k".into()));
    assert_eq!((own.wire, own.byoi), (Wire::OpenaiResponses, true));
    // Not the operator's base URL: the caller's key must not go there.
    let own = live(r#"{"provider":"anthropic","credentialRef":"k"}"#).unwrap();
    assert_eq!((&*own.base_url, &*own.model), ("https://api.anthropic.com", "claude-sonnet-5-5"));

    let json = r#"{"baseUrl":"https://openrouter.ai/api/v1","credentialRef":"k","name":"gpt-4o"}"#;
    let gateway = live(json).unwrap();
    assert_eq!((gateway.wire, &*gateway.vendor), (Wire::OpenaiChat, "openrouter.ai"));
    assert!(gateway.byoi);
}

#[test]
fn an_anthropic_address_speaks_anthropic() {
    let json = r#"{"baseUrl":"https://api.anthropic.com/v1/","credentialRef":"k","name":"m"}"#;
    let route = live(json).unwrap();
    assert_eq!((route.wire, &*route.base_url), (Wire::Anthropic, "https://api.anthropic.com"));
    let json = r#"{"provider":"anthropic","baseUrl":"https://gw.example/x","credentialRef":"k","name":"m"}"#;
    let route = live(json).unwrap();
    assert_eq!((route.wire, &*route.vendor), (Wire::Anthropic, "gw.example"));
}

#[test]
fn errors_say_where_and_what_to_do() {
    let error = |json: &str| live(json).unwrap_err();
    assert!(error(r#""llama-9""#).message.contains("baseUrl"));
    assert_eq!(error(r#"{"provider":"groq","credentialRef":"k"}"#).path, "model.provider");
    let private = r#"{"baseUrl":"http://169.254.169.254/v1","credentialRef":"k","name":"m"}"#;
    assert_eq!(error(private).path, "model.baseUrl");
    let nested = r#"{"id":"claude-opus","fallbacks":["mock",{"id":"nothing"}]}"#;
    assert_eq!(error(nested).path, "model.fallbacks[1].id");
    let missing = resolve(&platform(false, false), Some(r#""claude-opus""#), Mode::Live);
    let message = missing.unwrap_err().message;
    assert!(message.contains("POST /v1/secrets") && message.contains("ANTHROPIC_API_KEY"));
}

#[test]
fn routes_are_recorded_without_secrets() {
    let json = r#"{"id":"claude-opus","fallbacks":[{"provider":"openai","credentialRef":"b"}]}"#;
    let route = live(json).unwrap();
    assert_eq!(route.secret_names(), ["b"]);
    let text = serde_json::to_string(&route).unwrap();
    assert!(!text.contains("sk-test"));
    assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), route);
}
