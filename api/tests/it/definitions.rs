//! Agent definitions: versions, names, and agents that are made of them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::App;

const PATH: &str = "/v1/agent-definitions";

async fn create(app: &App, body: Value) -> Value {
    app.post(PATH, body).await.is(StatusCode::CREATED).json
}

async fn names(app: &App, query: &str) -> Vec<String> {
    app.get(&format!("{PATH}{query}")).await.is(StatusCode::OK).column("name")
}

#[tokio::test]
async fn a_definition_is_created_changed_and_archived() {
    let app = App::new().await;
    let body = json!({
        "name": "Research Assistant",
        "instructions": "Be thorough and cite sources.",
        "tools": ["web_search", "write_file"],
        "model": { "id": "claude-sonnet-4-20250514" },
        "compute": { "provider": "e2b", "timeout": 120 },
        "metadata": { "team": "a" },
    });
    let created = app.post(PATH, body.clone()).await.is(StatusCode::CREATED);
    assert!(created.header("x-theazo-position").parse::<u64>().is_ok());
    let id = created.text("id");
    assert!(id.starts_with("adef_"));
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&created.json[field], value, "{field}");
    }
    // The seed's place for it, and an agent's.
    assert_eq!(created.json["timeout"], 120);
    assert_eq!((&created.json["version"], &created.json["builtIn"]), (&json!(1), &json!(false)));
    assert_eq!(app.get(&format!("{PATH}/{id}")).await.json, created.json);
    let by_name = app.get(&format!("{PATH}/Research%20Assistant")).await.is(StatusCode::OK);
    assert_eq!(by_name.json, created.json);

    let put = async |target: &str, body: Value| app.request("PUT", target).json(&body).send().await;
    let target = format!("{PATH}/{id}");
    let change = json!({ "tools": ["run_code"], "timeout": 60 });
    let updated = put(&target, change.clone()).await.is(StatusCode::OK).json;
    assert_eq!((&updated["version"], &updated["tools"]), (&json!(2), &json!(["run_code"])));
    assert_eq!(updated["compute"], json!({ "provider": "e2b", "timeout": 60 }));
    assert_eq!(updated["instructions"], body["instructions"]);
    // The same again is no new version.
    assert_eq!(put(&target, change).await.is(StatusCode::OK).json["version"], 2);
    let only = json!({ "compute": { "timeout": 90 } });
    let updated = put(&target, only).await.is(StatusCode::OK).json;
    assert_eq!(updated["compute"], json!({ "provider": "e2b", "timeout": 90 }));

    let versions = app.get(&format!("{target}/versions?limit=2")).await.is(StatusCode::OK);
    assert_eq!(versions.json["data"][0]["version"], 3);
    let next = format!("{target}/versions?limit=2&cursor={}", versions.text("nextCursor"));
    let first = app.get(&next).await.is(StatusCode::OK).json;
    assert_eq!(first["data"][0]["version"], 1);
    assert_eq!(first["data"][0]["tools"], body["tools"]);

    let archived = app.delete(&target).await.is(StatusCode::OK);
    assert_eq!(archived.json, json!({ "ok": true }));
    app.delete(&target).await.is(StatusCode::OK);
    put(&target, json!({ "timeout": 5 })).await.fails(409, "conflict");
    assert_eq!(app.get(&target).await.json["archived"], true);
    app.get(&format!("{PATH}/Research%20Assistant")).await.fails(404, "not_found");
    // Its name is free again.
    let again = create(&app, json!({ "name": "Research Assistant" })).await;
    assert_ne!(again["id"], json!(id));
}

#[tokio::test]
async fn a_name_is_of_one_definition() {
    let app = App::new().await;
    create(&app, json!({ "name": "mine" })).await;
    app.post(PATH, json!({ "name": "mine" })).await.fails(409, "conflict");
    for key in [&app.other, &app.test] {
        let call = app.anonymous("POST", PATH).key(key).json(&json!({ "name": "mine" }));
        call.send().await.is(StatusCode::CREATED);
    }
    let call = || app.request("POST", PATH).idempotent("once").json(&json!({ "name": "other" }));
    let first = call().send().await.is(StatusCode::CREATED);
    app.forget_answers().await;
    assert_eq!(call().send().await.is(StatusCode::CREATED).json, first.json);
}

#[tokio::test]
async fn lists_end_with_what_exists_from_the_start() {
    let app = App::new().await;
    let from_the_start = ["researcher", "coder", "data_processor"].map(str::to_owned);
    assert_eq!(names(&app, "").await, from_the_start);
    for n in 0..3 {
        create(&app, json!({ "name": format!("own {n}") })).await;
    }
    let own = create(&app, json!({ "name": "coder" })).await;
    let archived = create(&app, json!({ "name": "gone" })).await["id"].as_str().unwrap().to_owned();
    app.delete(&format!("{PATH}/{archived}")).await.is(StatusCode::OK);
    let all = ["coder", "own 2", "own 1", "own 0", "researcher", "data_processor"];
    assert_eq!(names(&app, "").await, all);
    assert_eq!(names(&app, "?includeArchived=true").await[0], "gone");
    for limit in 1..=7 {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = app.get(&format!("{PATH}?limit={limit}{next}")).await.is(StatusCode::OK);
            seen.extend(page.column("name"));
            assert_eq!(page.json["hasMore"], page.json["nextCursor"].is_string());
            match page.json["nextCursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "pages of {limit}");
    }
    assert_eq!(app.get(&format!("{PATH}/coder")).await.json["id"], own["id"]);
    for (query, field) in
        [("?limit=0", "limit"), ("?includeArchived=maybe", "includeArchived"), ("?a=b", "a")]
    {
        app.get(&format!("{PATH}{query}")).await.wrong_field(field);
    }
}

#[tokio::test]
async fn what_exists_from_the_start_stays() {
    let app = App::new().await;
    let researcher = app.get(&format!("{PATH}/researcher")).await.is(StatusCode::OK);
    assert_eq!(researcher.json["builtIn"], true);
    let by_id = format!("{PATH}/{}", researcher.text("id"));
    assert_eq!(app.get(&by_id).await.json, researcher.json);
    for target in [format!("{PATH}/researcher"), by_id] {
        let put = app.request("PUT", &target).json(&json!({ "timeout": 5 })).send().await;
        let message = put.fails(409, "conflict").json["error"]["message"].to_string();
        assert!(message.contains("researcher"), "{message}");
        app.delete(&target).await.fails(409, "conflict");
        let versions = app.get(&format!("{target}/versions")).await.is(StatusCode::OK).json;
        assert_eq!(versions["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = App::new().await;
    let id = create(&app, json!({ "name": "mine" })).await["id"].as_str().unwrap().to_owned();
    let both = json!({ "timeout": 5, "compute": { "timeout": 6 } });
    for (body, field) in [
        (json!({ "tools": ["teleport"] }), "tools[0]"),
        (json!({ "tools": "web_search" }), "tools"),
        (json!({ "timeout": 0 }), "timeout"),
        (json!({ "compute": { "timeout": 86_401 } }), "timeout"),
        (both, "compute.timeout"),
        (json!({ "compute": { "provider": "moon" } }), "compute.provider"),
        (json!({ "compute": { "region": "eu" } }), "compute.region"),
        (json!({ "model": "llama-9" }), "model"),
        (json!({ "model": { "id": "gpt-4o", "temperature": 3 } }), "model.temperature"),
        (json!({ "costCap": { "amount": -1, "currency": "usd" } }), "costCap.amount"),
        (json!({ "secrets": ["not a name"] }), "secrets[0]"),
        (json!({ "guardrails": { "allowedDomains": ["a b"] } }), "guardrails.allowedDomains[0]"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let mut named = body.clone();
        named.as_object_mut().unwrap().insert("name".to_owned(), json!("another"));
        app.post(PATH, named).await.wrong_field(field);
        let put = app.request("PUT", &format!("{PATH}/{id}")).json(&body).send().await;
        put.wrong_field(field);
    }
    for body in [json!({}), json!({ "name": "" }), json!({ "name": "a\nb" }), json!({ "name": 1 })]
    {
        app.post(PATH, body).await.wrong_field("name");
    }
    let rename = app.request("PUT", &format!("{PATH}/{id}")).json(&json!({ "name": "b" }));
    rename.send().await.wrong_field("name");
    assert_eq!(app.get(&format!("{PATH}/{id}")).await.json["version"], 1);
}

#[tokio::test]
async fn what_is_not_the_callers_is_not_there() {
    let app = App::new().await;
    let id = create(&app, json!({ "name": "mine" })).await["id"].as_str().unwrap().to_owned();
    for reference in [id.as_str(), "mine", "adef_01HX0000000000000000000000", "nothing", "%FF"] {
        for key in [&app.other, &app.test] {
            let call = |method: &str, rest: &str| {
                app.anonymous(method, &format!("{PATH}/{reference}{rest}")).key(key)
            };
            call("GET", "").send().await.fails(404, "not_found");
            call("GET", "/versions").send().await.fails(404, "not_found");
            call("DELETE", "").send().await.fails(404, "not_found");
            call("PUT", "").json(&json!({ "timeout": 5 })).send().await.fails(404, "not_found");
        }
    }
    assert_eq!(app.get(&format!("{PATH}/{id}")).await.json["archived"], false);
}

#[tokio::test]
async fn an_agent_is_made_of_a_definition_under_its_own_options() {
    let app = App::new().await;
    let definition = create(
        &app,
        json!({
            "name": "mine", "instructions": "Be brief.", "tools": ["run_code"], "timeout": 60,
            "costCap": { "amount": 100, "currency": "usd" }, "compute": { "provider": "e2b" },
        }),
    )
    .await;
    let session = app.session("user").await;
    let agents = format!("/v1/sessions/{session}/agents");
    for reference in ["mine", definition["id"].as_str().unwrap()] {
        let body = json!({ "definition": reference, "timeout": 600, "model": "claude-opus" });
        let agent = app.post(&agents, body).await.is(StatusCode::CREATED).json;
        for (field, value) in [
            ("definition", json!({ "id": definition["id"], "version": 1 })),
            ("instructions", json!("Be brief.")),
            ("tools", json!(["run_code"])),
            ("timeout", json!(600)),
            ("model", json!("claude-opus")),
            ("compute", json!({ "provider": "e2b" })),
            ("costCap", json!({ "amount": 100, "currency": "usd" })),
        ] {
            assert_eq!(agent[field], value, "{field}");
        }
    }
    let built_in = app.post(&agents, json!({ "definition": "researcher" })).await;
    assert_eq!(built_in.is(StatusCode::CREATED).json["tools"][0], "web_search");
    let unknown = app.post(&agents, json!({ "definition": "nothing" })).await;
    let message = unknown.fails(404, "not_found").json["error"]["message"].to_string();
    assert!(message.contains("`mine`") && message.contains("`researcher`"), "{message}");
    app.delete(&format!("{PATH}/mine")).await.is(StatusCode::OK);
    app.post(&agents, json!({ "definition": "mine" })).await.fails(404, "not_found");
}
