use futures::StreamExt;
use theazo_domain::Pico;
use theazo_models::{Finish, ModelEvent, Models, Secrets, Wire};

use crate::server::{
    Answer, JSON, KEY, SSE, Server, answer, ask, config, half_hello, hello, prompt, route,
};

#[tokio::test]
async fn a_whole_call() {
    let server = Server::start(vec![hello()]).await;
    let models = Models::new(config()).unwrap();
    let (text, result) = ask(&models, &route(Wire::Anthropic, &server.url)).await;
    let result = result.unwrap();
    assert_eq!((text.as_str(), result.text().as_str()), ("hello", "hello"));
    assert_eq!(result.raw.get(), r#"[{"type":"text","text":"hello"}]"#);
    assert_eq!((result.finish, result.model.as_str()), (Finish::End, "claude-x"));
    assert_eq!((result.usage.input, result.usage.output, result.leg), (11, 5, 0));
    assert_eq!(result.request_id.as_deref(), Some("req_1"));
    assert!(result.first_delta_ms <= result.total_ms);
    let request = server.request().await;
    assert!(request.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("x-api-key: {KEY}\r\n")));
}

#[tokio::test]
async fn what_openrouter_charged_is_the_cost() {
    let body = ": OPENROUTER PROCESSING\n\n\
        data: {\"id\":\"gen-1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\
        \"cost\":1.45e-05}}\n\ndata: [DONE]\n\n";
    let server = Server::start(vec![answer("200 OK", SSE, body)]).await;
    let models = Models::new(config()).unwrap();
    let (_, result) = ask(&models, &route(Wire::OpenaiChat, &server.url)).await;
    assert_eq!(result.unwrap().charged, Some(Pico(14_500_000)));
}

#[tokio::test]
async fn a_gateway_that_does_not_stream_or_count() {
    let body = r#"{"id":"x","model":"m","choices":[{"index":0,"finish_reason":"stop",
        "message":{"role":"assistant","content":"all at once"}}]}"#;
    let server = Server::start(vec![answer("200 OK", JSON, body)]).await;
    let models = Models::new(config()).unwrap();
    let (text, result) = ask(&models, &route(Wire::OpenaiChat, &server.url)).await;
    let usage = result.unwrap().usage;
    assert_eq!(text, "all at once");
    assert!(usage.estimated && usage.input > 0 && usage.output == 3, "{usage:?}");
}

#[tokio::test]
async fn responses_over_the_wire() {
    let body = "event: response.output_text.delta\n\
        data: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n\
        data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"model\":\"gpt\",\
        \"output\":[{\"type\":\"message\",\"x\": 1.0}],\
        \"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n";
    let server = Server::start(vec![answer("200 OK", SSE, body)]).await;
    let models = Models::new(config()).unwrap();
    let (text, result) = ask(&models, &route(Wire::OpenaiResponses, &server.url)).await;
    let result = result.unwrap();
    assert_eq!((text.as_str(), result.raw.get()), ("hi", r#"[{"type":"message","x": 1.0}]"#));
    assert!(server.request().await.starts_with("POST /responses "));
}

#[tokio::test]
async fn dropping_the_stream_ends_the_call() {
    let server = Server::start(vec![Answer::Hang(half_hello(true))]).await;
    let models = Models::new(config()).unwrap();
    let route = route(Wire::Anthropic, &server.url);
    let mut stream = models.stream(&route, &Secrets::default(), prompt("hi"));
    assert!(matches!(stream.next().await, Some(Ok(ModelEvent::Text(_)))));
    drop(stream);
    server.client_gone().await;
}
