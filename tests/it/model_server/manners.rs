//! Requests that are not well formed are noticed, and only those.

use super::*;

/// A conversation with the model, played by hand and with the right manners.
struct Talk {
    server: ModelServer,
    wire: Wire,
    body: Value,
}

impl Talk {
    /// Two parallel calls were answered and are about to be given back.
    async fn begun(wire: Wire) -> Self {
        let server = ModelServer::start().await;
        server.script(Script::by_turn([
            Reply::text("Look:")
                .thinking("Hm.")
                .tool_call_raw("t", r#"{"z":1, "a":"b"}"#)
                .tool_call("t", json!({})),
            Reply::text("Done."),
        ]));
        let mut body = Caller::body(wire, "hi", false);
        let schema = json!({ "type": "object" });
        body["tools"] = match wire {
            Wire::Anthropic => json!([{ "name": "t", "input_schema": schema }]),
            Wire::Chat => json!([{
                "type": "function", "function": { "name": "t", "parameters": schema },
            }]),
            Wire::Responses => json!([{ "type": "function", "name": "t", "parameters": schema }]),
        };
        let answer = Caller::of(&server).send(wire, &body).await.text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let mut talk = Self { server, wire, body };
        talk.give_back(&answer);
        talk
    }

    fn history(&mut self) -> &mut Vec<Value> {
        let name = if self.wire == Wire::Responses { "input" } else { "messages" };
        self.body[name].as_array_mut().unwrap()
    }

    fn give_back(&mut self, answer: &Value) {
        match self.wire {
            Wire::Anthropic => {
                let content = &answer["content"];
                let results = json!([
                    { "type": "tool_result", "tool_use_id": content[2]["id"], "content": "one" },
                    { "type": "tool_result", "tool_use_id": content[3]["id"], "content": "two" },
                ]);
                let assistant = json!({ "role": "assistant", "content": content });
                self.history().push(assistant);
                self.history().push(json!({ "role": "user", "content": results }));
            }
            Wire::Chat => {
                let message = &answer["choices"][0]["message"];
                self.history().push(message.clone());
                for call in message["tool_calls"].as_array().unwrap() {
                    let id = &call["id"];
                    let result = json!({ "role": "tool", "tool_call_id": id, "content": "one" });
                    self.history().push(result);
                }
            }
            Wire::Responses => {
                self.history().extend(answer["output"].as_array().unwrap().iter().cloned());
                for n in [2, 3] {
                    let id = &answer["output"][n]["call_id"];
                    let kind = "function_call_output";
                    let output = json!({ "type": kind, "call_id": id, "output": "one" });
                    self.history().push(output);
                }
            }
        }
    }

    /// The body, with what must come back in its own characters: `Value` sorts keys.
    fn text(&self) -> String {
        let text = self.body.to_string();
        let text = text.replace(r#"{"a":"b","z":1}"#, r#"{"z":1, "a":"b"}"#);
        let sorted = r#"{"text":"Hm.","type":"summary_text"}"#;
        text.replace(sorted, r#"{"type":"summary_text","text":"Hm."}"#)
    }

    /// What is wrong with this body.
    async fn wrong(&self, body: String) -> String {
        let answer = Caller::of(&self.server).request(self.wire, body).send().await.unwrap();
        let wrong = self.server.take_violations().join("; ");
        assert_eq!(answer.status() == 200, wrong.is_empty(), "{wrong}");
        wrong
    }
}

/// What is done to a conversation, and what is said about it.
type Case = (&'static str, fn(&mut Talk), &'static str);

async fn each_is_noticed(wire: Wire, cases: &[Case]) {
    for (name, spoil, expected) in cases {
        let mut talk = Talk::begun(wire).await;
        let right = talk.text();
        assert_eq!(talk.wrong(right).await, "", "{wire:?}: it is right before: {name}");
        spoil(&mut talk);
        let wrong = talk.wrong(talk.text()).await;
        assert!(wrong.contains(expected), "{wire:?}: {name}: `{wrong}` lacks `{expected}`");
    }
}

#[tokio::test]
async fn bad_manners_with_anthropic_are_noticed() {
    let cases: &[Case] = &[
        (
            "no max_tokens",
            |t| _ = t.body.as_object_mut().unwrap().remove("max_tokens"),
            "max_tokens",
        ),
        ("sampling", |t| t.body["temperature"] = json!(1), "nobody asked for it"),
        ("unknown field", |t| t.body["max_output"] = json!(1), "does not know the field"),
        ("a result is missing", |t| drop(results(t).pop()), "lacks the result"),
        (
            "a result is there twice",
            |t| {
                let r = results(t)[0].clone();
                results(t).push(r);
            },
            "twice",
        ),
        (
            "an orphan",
            |t| results(t)[0]["tool_use_id"] = json!("toolu_x"),
            "no call for the result",
        ),
        (
            "text before results",
            |t| results(t).insert(0, json!({ "type": "text", "text": "x" })),
            "behind other",
        ),
        ("no thinking", |t| drop(content(t).remove(0)), "answer 0 of the model"),
        ("another signature", |t| content(t)[0]["signature"] = json!("x"), "answer 0 of the model"),
        ("another thought", |t| content(t)[0]["thinking"] = json!("x"), "`thinking` was"),
        ("another text", |t| content(t)[1]["text"] = json!("x"), "`text` was"),
        ("another input", |t| content(t)[2]["input"] = json!({}), "`input` was"),
        ("other spaces", |t| content(t)[2]["input"] = json!({ "a": "b", "z": 1.0 }), "`input` was"),
        ("another order", |t| content(t).swap(2, 3), "answer 0 of the model"),
        ("an added field", |t| content(t)[2]["index"] = json!(1), "`index` = 1 was added"),
        (
            "a lost field",
            |t| _ = content(t)[2].as_object_mut().unwrap().remove("caller"),
            "`caller` is missing",
        ),
        (
            "an invented answer",
            |t| {
                t.history().extend([
                    json!({ "role": "assistant", "content": "x" }),
                    json!({ "role": "user", "content": "y" }),
                ])
            },
            "was never sent",
        ),
        (
            "two user turns",
            |t| t.history().push(json!({ "role": "user", "content": "x" })),
            "both of the user",
        ),
        (
            "model's turn last",
            |t| {
                t.history().pop();
            },
            "ends with an answer",
        ),
        ("empty text", |t| results(t).push(json!({ "type": "text", "text": "" })), "empty text"),
        ("no tools", |t| t.body["tools"] = json!([]), "none are offered"),
        ("schema", |t| t.body["tools"][0]["input_schema"] = json!("x"), "not an object"),
        ("name", |t| t.body["tools"][0]["name"] = json!("a.b"), "no name for a tool"),
        ("forced", |t| t.body["tool_choice"] = json!({ "type": "any" }), "forces a tool"),
        (
            "marks",
            |t| {
                for n in 0..5 {
                    let mut text = json!({ "type": "text", "text": n.to_string() });
                    text["cache_control"] = json!({ "type": "ephemeral" });
                    results(t).push(text);
                }
            },
            "5 cache marks",
        ),
    ];
    each_is_noticed(Wire::Anthropic, cases).await;
}

fn content(talk: &mut Talk) -> &mut Vec<Value> {
    talk.history()[1]["content"].as_array_mut().unwrap()
}

fn results(talk: &mut Talk) -> &mut Vec<Value> {
    talk.history()[2]["content"].as_array_mut().unwrap()
}

#[tokio::test]
async fn bad_manners_with_chat_completions_are_noticed() {
    let cases: &[Case] = &[
        ("no usage", |t| t.body["stream"] = json!(true), "include_usage"),
        ("sampling", |t| t.body["top_p"] = json!(1), "nobody asked for it"),
        ("unknown field", |t| t.body["max_output"] = json!(1), "does not know the field"),
        ("a result is missing", |t| drop(t.history().pop()), "has no result"),
        ("an orphan", |t| t.history()[2]["tool_call_id"] = json!("x"), "no open call"),
        (
            "a word between",
            |t| t.history().insert(2, json!({ "role": "user", "content": "x" })),
            "before the result",
        ),
        ("another text", |t| t.history()[1]["content"] = json!("x"), "answer 0 of the model"),
        (
            "other arguments",
            |t| t.history()[1]["tool_calls"][0]["function"]["arguments"] = json!("{}"),
            "`arguments` was",
        ),
        (
            "a lost call",
            |t| {
                t.history()[1]["tool_calls"].as_array_mut().unwrap().pop();
                t.history().pop();
            },
            "is missing",
        ),
        (
            "an invented answer",
            |t| t.history().insert(1, json!({ "role": "assistant", "content": "x" })),
            "was never sent",
        ),
        (
            "no arguments",
            |t| t.history()[1]["tool_calls"][0]["function"]["arguments"] = json!({}),
            "not whole",
        ),
        ("role", |t| t.history()[0]["role"] = json!("human"), "has the role"),
        ("schema", |t| t.body["tools"][0]["function"]["parameters"] = json!([]), "not an object"),
        ("flat tool", |t| t.body["tools"][0] = json!({ "name": "t" }), "has no name"),
        (
            "long name",
            |t| t.body["tools"][0]["function"]["name"] = json!("x".repeat(65)),
            "no name for a tool",
        ),
        ("forced", |t| t.body["tool_choice"] = json!("required"), "forces a tool"),
    ];
    each_is_noticed(Wire::Chat, cases).await;
}

#[tokio::test]
async fn bad_manners_with_responses_are_noticed() {
    let cases: &[Case] = &[
        ("stored", |t| t.body["store"] = json!(true), "`store` is not false"),
        ("not encrypted", |t| t.body["include"] = json!([]), "`include` lacks"),
        (
            "chained",
            |t| t.body["previous_response_id"] = json!("resp_1"),
            "names what is not stored",
        ),
        ("sampling", |t| t.body["temperature"] = json!(1), "nobody asked for it"),
        ("a result is missing", |t| drop(t.history().pop()), "has no output"),
        ("an orphan", |t| t.history()[6]["call_id"] = json!("x"), "no open call"),
        ("no reasoning", |t| drop(t.history().remove(1)), "answer 0 of the model"),
        (
            "other reasoning",
            |t| t.history()[1]["encrypted_content"] = json!("x"),
            "answer 0 of the model",
        ),
        ("another summary", |t| t.history()[1]["summary"] = json!([]), "`summary` was"),
        ("other arguments", |t| t.history()[3]["arguments"] = json!("{}"), "`arguments` was"),
        ("another text", |t| t.history()[2]["content"][0]["text"] = json!("x"), "`text` was"),
        (
            "nested tool",
            |t| t.body["tools"][0] = json!({ "type": "function", "function": { "name": "t" } }),
            "has no name",
        ),
    ];
    each_is_noticed(Wire::Responses, cases).await;
}

#[tokio::test]
async fn headers_are_looked_at() {
    let talk = Talk::begun(Wire::Anthropic).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (wire, expected) in WIRES.into_iter().zip(["anthropic-version", "bearer", "bearer"]) {
        let url = format!("{}{}", talk.server.url(), Caller::path(wire));
        let body = Caller::body(wire, "hi", false).to_string();
        let answer = http.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let wrong = talk.server.take_violations().join("; ");
        assert!(wrong.contains(expected) && wrong.contains("content-type"), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_script_allows_is_no_violation() {
    let server = ModelServer::start().await;
    let script = Script::always(Reply::text("Yes."));
    server.script(script.allowing(Allow::Sampling).allowing(Allow::ForeignTurns));
    let mut body = Caller::body(Wire::Anthropic, "hi", false);
    body["temperature"] = json!(0.5);
    let made_up = [
        json!({ "role": "assistant", "content": "Made up." }),
        json!({ "role": "user", "content": "And?" }),
    ];
    body["messages"].as_array_mut().unwrap().extend(made_up);
    assert_eq!(Caller::of(&server).send(Wire::Anthropic, &body).await.status(), 200);
    server.assert_well_formed();
}

/// A client has to make ids itself where a gateway gives none.
#[tokio::test]
async fn ids_of_ones_own_are_no_violation() {
    let server = ModelServer::start().await;
    let call = Reply::call("t", json!({ "a": 1 })).quirk(Quirk::NoCallId);
    server.script(Script::by_turn([call, Reply::text("Done.")]));
    let caller = Caller::of(&server);
    let mut body = Caller::body(Wire::Chat, "hi", false);
    let answer: Value = caller.send(Wire::Chat, &body).await.json().await.unwrap();
    let mut message = answer["choices"][0]["message"].clone();
    assert!(message["tool_calls"][0]["id"].is_null());
    message["tool_calls"][0]["id"] = json!("call_mine");
    let result = json!({ "role": "tool", "tool_call_id": "call_mine", "content": "one" });
    body["messages"].as_array_mut().unwrap().extend([message, result]);
    assert_eq!(caller.send(Wire::Chat, &body).await.status(), 200);
    server.assert_well_formed();
}

/// Many gateways refuse arguments that are not JSON, so a client mends them.
#[tokio::test]
async fn broken_arguments_may_be_mended() {
    for wire in [Wire::Chat, Wire::Responses] {
        let server = ModelServer::start().await;
        let call = Reply::empty().tool_call_raw("t", r#"{"a":"#).stop(StopReason::End);
        server.script(Script::by_turn([call, Reply::text("Done.")]));
        let caller = Caller::of(&server);
        let mut body = Caller::body(wire, "hi", false);
        let answer: Value = caller.send(wire, &body).await.json().await.unwrap();
        if wire == Wire::Chat {
            let mut message = answer["choices"][0]["message"].clone();
            let id = message["tool_calls"][0]["id"].clone();
            message["tool_calls"][0]["function"]["arguments"] = json!("{}");
            let result = json!({ "role": "tool", "tool_call_id": id, "content": "not JSON" });
            body["messages"].as_array_mut().unwrap().extend([message, result]);
        } else {
            let mut item = answer["output"][0].clone();
            item["arguments"] = json!("{}");
            let id = item["call_id"].clone();
            let kind = "function_call_output";
            let result = json!({ "type": kind, "call_id": id, "output": "not JSON" });
            body["input"].as_array_mut().unwrap().extend([item, result]);
        }
        assert_eq!(caller.send(wire, &body).await.status(), 200);
        server.assert_well_formed();
    }
}

/// With Responses a turn that is only a message comes back with its id or without.
#[tokio::test]
async fn ids_of_messages_may_be_left_out() {
    let server = ModelServer::start().await;
    server.script(Script::by_turn(["One.", "Two.", "Three."].map(Reply::text)));
    let caller = Caller::of(&server);
    let mut body = Caller::body(Wire::Responses, "hi", false);
    for with_id in [true, false, true] {
        let answer: Value = caller.send(Wire::Responses, &body).await.json().await.unwrap();
        let mut message = answer["output"][0].clone();
        if !with_id {
            message.as_object_mut().unwrap().remove("id");
        }
        let more = json!({ "role": "user", "content": "More." });
        body["input"].as_array_mut().unwrap().extend([message, more]);
    }
    server.assert_well_formed();
}

/// A client that shortens its history may begin it anew, and keep answers that it has.
#[tokio::test]
async fn a_shortened_history_is_no_violation() {
    let server = ModelServer::start().await;
    let answers = |n: &str| Reply::call("t", json!({ "n": n })).thinking(n);
    server.script(Script::replies([answers("1"), answers("2"), answers("3"), Reply::text("End.")]));
    let caller = Caller::of(&server);
    let mut body = Caller::body(Wire::Anthropic, "hi", false);
    body["tools"] = json!([{ "name": "t", "input_schema": { "type": "object" } }]);
    for n in 0..4 {
        let answer: Value = caller.send(Wire::Anthropic, &body).await.json().await.unwrap();
        server.assert_well_formed();
        let messages = body["messages"].as_array_mut().unwrap();
        let id = &answer["content"][1]["id"];
        let result = json!([{ "type": "tool_result", "tool_use_id": id, "content": "x" }]);
        messages.push(json!({ "role": "assistant", "content": answer["content"] }));
        messages.push(json!({ "role": "user", "content": result }));
        if n == 1 {
            messages[0]["content"] = json!("What was before: one.");
            messages.drain(1..3);
        }
    }
}

#[tokio::test]
async fn anthropics_newest_version_takes_no_sampling_at_all() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("Yes.")).allowing(Allow::Sampling));
    let mut body = Caller::body(Wire::Anthropic, "hi", false);
    body["temperature"] = json!(1);
    let caller = Caller::of(&server);
    for (version, status) in [("2023-06-01", 200), ("2026-10-21", 400), ("2026-01-01", 400)] {
        let url = format!("{}/v1/messages", server.url());
        let request = caller.http.post(url).bearer_auth("sk").json(&body);
        let answer = request.header("anthropic-version", version).send().await.unwrap();
        assert_eq!(answer.status(), status, "{version}");
        assert_eq!(server.take_violations().is_empty(), status == 200);
    }
}

#[tokio::test]
async fn a_paused_turn_may_come_last() {
    let server = ModelServer::start().await;
    server.script(Script::by_turn([
        Reply::text("Wait.").stop(StopReason::PauseTurn),
        Reply::text("More."),
        Reply::text("End."),
    ]));
    let caller = Caller::of(&server);
    let mut body = Caller::body(Wire::Anthropic, "hi", false);
    for n in 0..3 {
        let answer: Value = caller.send(Wire::Anthropic, &body).await.json().await.unwrap();
        server.assert_well_formed();
        let turn = json!({ "role": "assistant", "content": answer["content"] });
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(turn);
        if n == 1 {
            messages.push(json!({ "role": "user", "content": "Thanks." }));
        }
    }
}

#[tokio::test]
#[should_panic(expected = "the model was called wrongly")]
async fn bad_manners_fail_the_test_when_the_server_is_dropped() {
    let server = ModelServer::start().await;
    server.script(Script::always(Reply::text("Yes.")));
    let body = json!({ "model": "m", "messages": [] });
    Caller::of(&server).send(Wire::Chat, &body).await;
}
