//! `auth`, `normalize`, `select`.

use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_core::{AttemptRequest, Facts};
use serde_json::json;

use super::headers;
use crate::{CHAT, CLAUDE, GPT, LLAMA, alone, chat, choice, facts, json};

#[test]
fn auth_knows_keys_and_takes_credentials_off() {
    let (_, mut chain) = alone("auth");
    let demo: &[u8] = b"sk-or-v1-demo";
    let cases: &[(&str, &[u8], Option<&str>)] = &[
        ("authorization", b"Bearer sk-or-v1-demo", None),
        ("authorization", b"bearer   sk-or-v1-demo ", None),
        ("x-api-key", demo, None),
        ("x-other", demo, Some("No API key")),
        ("authorization", b"Basic eHg=", Some("No API key")),
        ("authorization", b"Bearer", Some("No API key")),
        (
            "authorization",
            b"\xff\xfe\xff\xfe\xff\xfe\xff",
            Some("No API key"),
        ),
        ("authorization", b"Bearer \xff\xfe", Some("not known")),
        ("authorization", b"Bearer ", Some("not known")),
        ("x-api-key", b"\xf0\x9f", Some("not known")),
        ("x-api-key", b"sk-or-v1-other", Some("not known")),
    ];
    for (name, value, refused) in cases {
        let mut stream = chain.stream();
        let sent = headers(&[(":path", CHAT.as_bytes()), (name, value)]);
        let out = stream.request_headers(sent, true).unwrap();
        if let Some(message) = refused {
            let reply = out.local_reply.unwrap();
            let body = String::from_utf8(reply.body).unwrap();
            assert_eq!(reply.code, 401, "{name}");
            assert!(body.contains(message) && !body.contains("sk-or"), "{body}");
        } else {
            assert_eq!(out.headers.unwrap().get(name), None);
            let account = stream.property(&["meshrouter.key"]).unwrap();
            assert_eq!(Account::key_of(account), "demo");
        }
    }
}

#[test]
fn auth_strips_what_only_the_router_may_say_and_keeps_other_bytes() {
    let (_, mut chain) = alone("auth");
    let mut stream = chain.stream();
    let sent = headers(&[
        (":path", CHAT.as_bytes()),
        ("authorization", b"Bearer sk-or-v1-demo"),
        ("authorization", b"Bearer other"),
        ("x-meshrouter-plan", b"a@b"),
        ("x-meshrouter-plan", b"c@d"),
        ("x-envoy-max-retries", b"\xff"),
        ("cookie", b"a=b"),
        ("proxy-authorization", b"x"),
        ("x-title", b"caf\xe9 \xff"),
    ]);
    // Two `authorization` headers are one value with a comma: no key of ours.
    assert_eq!(
        stream
            .request_headers(sent.clone(), true)
            .unwrap()
            .local_reply
            .unwrap()
            .code,
        401
    );
    let mut stream = chain.stream();
    let mut sent = sent;
    sent.set("authorization", "Bearer sk-or-v1-demo");
    let left = stream.request_headers(sent, true).unwrap().headers.unwrap();
    assert_eq!(
        left,
        headers(&[(":path", CHAT.as_bytes()), ("x-title", b"caf\xe9 \xff")])
    );
}

#[test]
fn normalize_publishes_facts_or_says_what_is_wrong() {
    let (_, mut chain) = alone("normalize");
    let message = r#""messages":[{"role":"user","content":"x"}]"#;
    let cases = [
        (chat(GPT, r#""stream":true,"max_tokens":7,"#), 0, ""),
        ("{".to_owned(), 400, "not valid JSON"),
        (String::new(), 400, "not valid JSON"),
        ("[]".to_owned(), 400, "must be an object"),
        (format!("{{{message}}}"), 400, "`model` is missing"),
        (
            format!(r#"{{"model":1,{message}}}"#),
            400,
            "`model` must be a string",
        ),
        (
            format!(r#"{{"model":"a/none",{message}}}"#),
            404,
            "no model `a/none`",
        ),
        (chat(GPT, r#""models":["x"],"#), 404, "no model `x`"),
        (chat(GPT, r#""model":"x","#), 400, "twice"),
        (
            r#"{"model":"m","messages":[{}]}"#.to_owned(),
            400,
            "`messages[0].role`",
        ),
        (
            chat(GPT, r#""temperature":"hot","#),
            400,
            "`temperature` must be a number",
        ),
        (
            chat(GPT, r#""max_tokens":-1,"#),
            400,
            "`max_tokens` must be a whole number",
        ),
    ];
    for (body, status, says) in cases {
        let mut stream = chain.stream();
        let sent = headers(&[
            (":method", b"POST"),
            (":path", CHAT.as_bytes()),
            ("x-request-id", b"1"),
        ]);
        assert_eq!(
            stream.request_headers(sent, false).unwrap().headers,
            None,
            "held"
        );
        let out = stream.request_body(body.clone(), true).unwrap();
        let facts = stream
            .property(&["meshrouter.facts"])
            .map(|bytes| Facts::decode(bytes).unwrap());
        if status == 0 {
            let facts = facts.unwrap();
            assert_eq!(
                (facts.models, facts.stream, facts.max_tokens),
                (vec![choice(GPT)], true, Some(7))
            );
            let header = out.headers.unwrap();
            let attempt =
                AttemptRequest::decode(header.get("x-meshrouter-request").unwrap()).unwrap();
            assert_eq!(
                (attempt.body_length, attempt.generation),
                (body.len(), facts.generation)
            );
            assert_eq!(out.body, [body.into_bytes()]);
            continue;
        }
        let reply = out.local_reply.unwrap();
        let text = String::from_utf8(reply.body).unwrap();
        assert_eq!((reply.code, facts), (status, None), "{body}");
        assert!(text.contains(says), "{body}: {text}");
    }
}

#[test]
fn normalize_makes_api_errors_of_envoys_own() {
    let (_, mut chain) = alone("normalize");
    for (status, says) in [
        ("413", "larger than"),
        ("502", "broke off"),
        ("503", "Try again"),
        ("426", "Upgrade"),
    ] {
        let mut stream = chain.stream();
        let sent = headers(&[(":method", b"GET"), (":path", b"/v1/models")]);
        stream.request_headers(sent, true).unwrap();
        let envoys = [
            (":status", status),
            ("content-type", "text/plain"),
            ("x-meshrouter-outcome", "1;a@b"),
        ];
        let text = super::respond(&mut stream, &envoys, "Upgrade Required");
        let error = json(&text);
        assert_eq!(error["error"]["code"].to_string(), status);
        assert!(
            error["error"]["message"].as_str().unwrap().contains(says),
            "{text}"
        );
        let left = stream.response().headers.unwrap();
        assert_eq!(left.text("content-length"), Some(text.len().to_string()));
        assert_eq!(left.get("x-meshrouter-outcome"), None);
    }
}

#[test]
fn select_plans_the_cheapest_first_and_model_after_model() {
    let (_, mut chain) = alone("select");
    let gpt = format!("{GPT}@alpha,{GPT}@beta,{GPT}@gamma");
    let llama = format!("{LLAMA}@gamma,{LLAMA}@alpha");
    let cases = [
        (vec![GPT], gpt.clone(), "3"),
        (vec![CLAUDE], format!("{CLAUDE}@beta"), "1"),
        (vec![LLAMA, GPT], format!("{llama},{gpt}"), "5"),
        (vec!["gone/model", CLAUDE], format!("{CLAUDE}@beta"), "1"),
    ];
    for (models, plan, retries) in cases {
        let mut stream = chain.stream();
        // The document's preferences are those of its keys.
        let facts = Facts {
            key: "demo".to_owned(),
            ..facts(&models)
        };
        stream.set_property(&["meshrouter.facts"], facts.encode());
        let out = stream
            .request_headers([(":path", CHAT)], false)
            .unwrap()
            .headers
            .unwrap();
        assert_eq!(out.text("x-meshrouter-plan"), Some(plan));
        assert_eq!(out.text("x-envoy-max-retries").as_deref(), Some(retries));
    }
    let mut stream = chain.stream();
    stream.set_property(&["meshrouter.facts"], facts(&["gone/model"]).encode());
    let out = stream.request_headers([(":path", CHAT)], false).unwrap();
    assert_eq!(out.local_reply.unwrap().code, 404);
    let out = chain
        .stream()
        .request_headers([(":path", "/v1/models")], true)
        .unwrap();
    let reply = out.local_reply.unwrap();
    let models = json(&String::from_utf8(reply.body).unwrap());
    assert_eq!(
        (reply.code, &models["data"][1]["id"]),
        (200, &json!(CLAUDE))
    );
    let out = chain
        .stream()
        .request_headers([(":path", CHAT)], true)
        .unwrap();
    assert_eq!(out.local_reply.unwrap().code, 500, "`normalize` is missing");
}
