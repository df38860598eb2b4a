//! `run_code`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Desk;

#[tokio::test]
async fn code_says_how_it_ended_and_what_it_printed() {
    let desk = Desk::machine().await;
    let python = "import sys\nprint('out')\nprint('err', file=sys.stderr)";
    let said = desk.call("run_code", json!({ "lang": "python", "code": python })).await;
    assert_eq!(said, "exit code: 0\nstdout:\nout\nstderr:\nerr\n");
    let failed = desk.refused("run_code", json!({ "lang": "bash", "code": "exit 3" })).await;
    assert_eq!(failed, "exit code: 3\n(it printed nothing)\n");
    let long = json!({ "lang": "bash", "code": "head -c 1500000 /dev/zero | tr '\\0' x" });
    let said = desk.call("run_code", long).await;
    assert!(said.ends_with("print less, or write to a file)\n"), "{}", said.len());
    assert!(said.len() > 1 << 20);
}

#[tokio::test]
async fn secrets_reach_code_and_not_the_model() {
    let desk = Desk::machine().await;
    let code = "echo length ${#API_TOKEN}; env | grep API";
    let said = desk.call("run_code", json!({ "lang": "bash", "code": code })).await;
    assert_eq!(said, "exit code: 0\nstdout:\nlength 12\nAPI_TOKEN=[secret API_TOKEN]\n");
}

#[tokio::test]
async fn code_that_takes_too_long_is_stopped_and_told() {
    let mut desk = Desk::machine().await;
    let endless = json!({ "lang": "bash", "code": "while :; do :; done", "timeout_s": 0.2 });
    let start = Instant::now();
    let told = desk.refused("run_code", endless).await;
    assert!(told.starts_with("It ran longer than 0.2 s and was stopped;"), "{told}");
    // The run has less time than the model asks for.
    desk.context.patience = Duration::from_millis(300);
    let endless = json!({ "lang": "bash", "code": "while :; do :; done", "timeout_s": 100 });
    let told = desk.refused("run_code", endless).await;
    assert!(told.starts_with("It ran longer than 0.3 s"), "{told}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn arguments_that_do_not_fit_run_nothing() {
    let desk = Desk::machine().await;
    for (arguments, told) in [
        (json!({ "lang": "ruby", "code": "1" }), "/lang: \"ruby\" is not one of"),
        (json!({ "lang": "bash" }), "\"code\" is a required property"),
        (json!({ "lang": "bash", "code": "1", "timeout_s": 500 }), "/timeout_s: 500 is greater"),
        (json!({ "lang": "bash", "code": "1", "shell": true }), "'shell' was unexpected"),
    ] {
        let said = desk.refused("run_code", arguments).await;
        assert!(said.contains(told) && said.contains("The schema is: {"), "{said}");
    }
    let cut = desk.registry.check("run_code", r#"{"lang":"bash","code":"ec"#).unwrap_err();
    assert!(cut.contains("not valid JSON") && cut.contains("not called"), "{cut}");
}
