//! What later filters are told of the choice of endpoints.

use meshrouter_core::document::Task;
use meshrouter_core::facts::Transforms;
use meshrouter_host::fake::{Stream, settings};
use serde_json::{Value, json};

use super::*;

fn document(sticky_seconds: u32) -> String {
    let endpoints = json!([{"provider": "p", "pricing": {"prompt": "0", "completion": "0"}}]);
    let model = |id: &str| json!({"id": id, "context_length": 8_192, "endpoints": endpoints});
    json!({"providers": {"p": {"cluster": "p"}}, "models": [model("a/one"), model("a/two")],
        "sticky_seconds": sticky_seconds,
        "auto": {"models": [{"id": "a/one", "quality": 1}, {"id": "a/two", "quality": 2}]},
        "presets": {"careful": {"provider": {"zdr": true, "sort": "price"}}}})
    .to_string()
}

/// The facts of a request with these members and headers, and what an attempt is told.
fn told(
    members: &Value,
    headers: &[(&str, &str)],
    key: &str,
    sticky: u32,
) -> (Facts, AttemptRequest) {
    let mut stream: Stream<Normalize> =
        Stream::new(&settings::<Normalize>(&document(sticky)).unwrap());
    // Behind a `#` what tells a key that another has made.
    let (name, made) = key.split_once('#').map_or((key, None), |(name, made)| {
        (name, Some(["#", made].concat()))
    });
    let account = Account {
        key: name.to_owned(),
        made,
        ..Account::default()
    };
    let properties = &mut stream.host.properties;
    properties.insert(property::KEY.to_owned(), account.encode());
    let route = [(":method", "POST"), (":path", "/v1/chat/completions")];
    stream.headers(Direction::Request, &[&route, headers].concat(), false);
    let mut body = json!({"model": "a/one", "messages": [{"role": "user", "content": "Hi"}]});
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    stream.body(Direction::Request, body.to_string().as_bytes(), true);
    let facts = stream
        .host
        .properties
        .get(property::FACTS)
        .map(|bytes| Facts::decode(bytes).unwrap());
    let facts = facts.unwrap_or_else(|| panic!("{members}: {:?}", stream.host.reply));
    let attempt = stream.header(Direction::Request, header::REQUEST).unwrap();
    (facts, AttemptRequest::decode(attempt.as_bytes()).unwrap())
}

fn facts(members: &Value) -> Facts {
    told(members, &[], "k", 60).0
}

#[test]
fn preferences_are_those_of_the_request_or_else_of_its_preset() {
    assert_eq!(
        facts(&json!({})).preferences,
        meshrouter_core::preferences::Preferences::default()
    );
    assert_eq!(
        facts(&json!({"provider": {"zdr": true}})).preferences.zdr,
        Some(true)
    );
    let preset = facts(&json!({"preset": "careful"})).preferences;
    assert!(preset.zdr == Some(true) && preset.sort.is_some());
    // Presets are merged field by field, not within one (Presets page).
    let own = facts(&json!({"preset": "careful", "provider": {"order": ["p"]}})).preferences;
    assert!(own.zdr.is_none() && own.order.is_some());
}

#[test]
fn what_endpoints_must_be_able_to() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://x/y.png"}});
    let found = facts(&json!({
        "messages": [{"role": "user", "content": [image, image]}], "seed": 1, "tools": [{"type": "function"}],
        "transforms": ["middle-out"], "stop": null,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}));
    assert_eq!((found.images, found.structured), (2, true));
    assert_eq!(found.transforms, Transforms::MiddleOut);
    assert_eq!(
        found.parameters.names().collect::<Vec<_>>(),
        ["response_format", "seed", "tools"]
    );
    let plain = facts(&json!({"response_format": {"type": "json_object"}, "tools": []}));
    assert_eq!((plain.images, plain.structured), (0, false));
    assert_eq!(
        plain.parameters.names().collect::<Vec<_>>(),
        ["response_format"]
    );
}

#[test]
fn tasks_are_read_for_the_auto_router_only() {
    let code = json!([{"role": "user", "content": "Refactor this"}]);
    assert_eq!(facts(&json!({"messages": code})).tasks, []);
    for model in ["meshrouter/auto", "openrouter/auto"] {
        let found = facts(&json!({"model": model, "messages": code}));
        assert_eq!(
            (found.models[0].id.as_str(), &found.tasks[..]),
            ("meshrouter/auto", &[Task::Code][..])
        );
    }
    // Whatever model it turns out to be.
    let (facts, attempt) = told(
        &json!({"model": "meshrouter/auto:online:thinking"}),
        &[],
        "k",
        60,
    );
    assert_eq!(facts.tasks, [Task::Reasoning]);
    assert_eq!(
        (&attempt.online, &attempt.thinking),
        (
            &vec!["a/one".to_owned(), "a/two".to_owned()],
            &attempt.online
        )
    );
}

#[test]
fn conversations_are_told_apart() {
    let hello = json!({"role": "user", "content": "Hello"});
    let first = json!({"messages": [hello]});
    let next = json!({"messages": [hello, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Bye"}]});
    let of = |members: &Value, headers: &[(&str, &str)], key: &str| {
        let (facts, attempt) = told(members, headers, key, 60);
        // Whoever serves a turn is remembered; only a later one looks for the last.
        let is_first = members == &first && headers.iter().all(|(_, id)| id.is_empty());
        let is_first = is_first || members == &json!({});
        assert_eq!(
            facts.conversation,
            attempt.conversation.filter(|_| !is_first)
        );
        attempt.conversation.unwrap()
    };
    let plain = of(&first, &[], "k");
    assert_eq!(of(&next, &[], "k"), plain);
    assert_ne!(of(&json!({}), &[], "k"), plain);
    assert_ne!(
        of(&first, &[], "another"),
        plain,
        "one key's are none of another's"
    );
    assert_ne!(of(&first, &[], "k#1"), of(&first, &[], "k#2"));
    // The caller's own word counts more than how it began, and the body's more than the header's.
    let named = of(&json!({"session_id": "s-1"}), &[], "k");
    let with_id = |members: &Value| {
        let mut members = members.clone();
        members["session_id"] = json!("s-1");
        members
    };
    assert_eq!(of(&with_id(&next), &[("x-session-id", "s-2")], "k"), named);
    assert_eq!(of(&first, &[("x-session-id", "s-1")], "k"), named);
    assert_eq!(of(&first, &[("x-session-id", "")], "k"), plain);
    let off = told(&next, &[], "k", 0);
    assert_eq!((off.0.conversation, off.1.conversation), (None, None));
}
