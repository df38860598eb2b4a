use futures::StreamExt;
use theazo_models::net::{Guard, NetError, guarded_client};
use theazo_models::{
    CredentialSource, ModelErrorKind, Models, ModelsConfig, Route, Secrets, TurnResult, Wire,
};

use crate::server::{Server, config, hello, prompt, route};

fn with_secret(url: &str) -> Route {
    let credential = CredentialSource::Secret("mine".to_owned());
    Route { credential, byoi: true, ..route(Wire::Anthropic, url) }
}

async fn ask(models: &Models, route: &Route, secrets: &Secrets) -> Result<(), ModelErrorKind> {
    let mut stream = models.stream(route, secrets, prompt("hi"));
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    last.unwrap().map(|_| ()).map_err(|error| error.kind)
}

#[tokio::test]
async fn agentcos_addresses_are_guarded_and_the_operators_are_not() {
    let server = Server::start(vec![hello()]).await;
    let secrets: Secrets = [("mine".to_owned(), "sk-mine".into())].into_iter().collect();
    let port = server.url.rsplit_once(':').unwrap().1;
    let strict = Models::new(config()).unwrap();
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "2130706433", "0.0.0.0"] {
        let route = with_secret(&format!("http://{host}:{port}"));
        let refused = ask(&strict, &route, &secrets).await.unwrap_err();
        assert_eq!(refused, ModelErrorKind::Invalid, "{host}");
    }
    assert_eq!(server.asked(), 0);
    let loose = ModelsConfig { allow_private_networks: true, ..config() };
    let loose = Models::new(loose).unwrap();
    assert_eq!(ask(&loose, &with_secret(&server.url), &secrets).await, Ok(()));
    assert!(server.request().await.contains("x-api-key: sk-mine\r\n"));
    let platform = route(Wire::Anthropic, &server.url);
    assert_eq!(ask(&strict, &platform, &secrets).await, Ok(()));
}

#[tokio::test]
async fn a_missing_key_is_an_error_of_its_own() {
    let models = Models::new(config()).unwrap();
    let no_secret = ask(&models, &with_secret("https://x.example"), &Secrets::default()).await;
    assert_eq!(no_secret, Err(ModelErrorKind::Auth));
    let mut route = route(Wire::OpenaiChat, "https://x.example");
    route.credential = CredentialSource::Platform("openai".to_owned());
    assert_eq!(ask(&models, &route, &Secrets::default()).await, Err(ModelErrorKind::Auth));
}

#[tokio::test]
async fn the_guarded_client_refuses_when_it_dials() {
    let server = Server::start(vec![hello()]).await;
    let client = guarded_client(false).unwrap();
    let request = || {
        let url = server.url.replace("127.0.0.1", "localhost.localdomain");
        hyper::Request::post(url).body("x".into()).unwrap()
    };
    let error = client.send(request()).await.unwrap_err();
    assert!(matches!(error, NetError::Refused(_) | NetError::Connect(_)), "{error:?}");
    assert_eq!(server.asked(), 0);
    assert!(Guard::new(false).check_url(&server.url).is_err());
}

#[tokio::test]
async fn results_are_recorded_and_read_again() {
    let server = Server::start(vec![hello()]).await;
    let models = Models::new(config()).unwrap();
    let (_, result) = crate::server::ask(&models, &route(Wire::Anthropic, &server.url)).await;
    let result = result.unwrap();
    let text = serde_json::to_string(&result).unwrap();
    let again: TurnResult = serde_json::from_str(&text).unwrap();
    assert_eq!(again.raw.get(), result.raw.get());
    assert_eq!(again.segments, result.segments);
}
