use super::*;
use meshrouter_core::facts::Choice;
use meshrouter_core::health::{EndpointHash, Entry};
use meshrouter_core::parameters::ParameterSet;
use meshrouter_core::preferences::{By, Preferences};
use meshrouter_core::route::Operation;
use meshrouter_core::slug::Variants;
use meshrouter_core::tokens::Estimate;
use meshrouter_host::fake::{Stream, settings};

const DOCUMENT: &str = r#"{
    "providers": {"alpha": {"cluster": "a"}, "beta": {"cluster": "b"}, "gamma": {"cluster": "c"}},
    "models": [
      {"id": "m/one", "context_length": 8192, "supported_parameters": ["tools"], "endpoints": [
        {"provider": "alpha", "pricing": {"prompt": "0.000003", "completion": "0.000001"}},
        {"provider": "beta", "max_completion_tokens": 99, "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
        {"provider": "gamma", "throughput": 90, "pricing": {"prompt": "0.000003", "completion": "0.000001"}}]},
      {"id": "m/two", "context_length": 8192, "endpoints": [
        {"provider": "gamma", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

fn planned(facts: &Facts) -> Stream<Select> {
    planned_at(0, &Shared::new(), facts)
}

/// A request at a moment, with what all workers know; and what they know afterwards.
fn planned_at(now: u64, shared: &Shared, facts: &Facts) -> Stream<Select> {
    let mut stream: Stream<Select> = Stream::new(&settings::<Select>(DOCUMENT).unwrap());
    stream.host.shared.clone_from(shared);
    let facts = Facts {
        started: now * 1_000_000,
        ..facts.clone()
    };
    stream
        .host
        .properties
        .insert(property::FACTS.to_owned(), facts.encode());
    stream.headers(
        Direction::Request,
        &[(":path", "/v1/chat/completions")],
        false,
    );
    stream
}

type Shared = std::collections::BTreeMap<String, (Vec<u8>, u32)>;

fn choice(id: &str) -> Choice {
    Choice {
        id: id.to_owned(),
        ..Choice::default()
    }
}

fn facts(models: &[&str], prompt_tokens: u64, max_tokens: Option<u64>) -> Facts {
    Facts {
        models: models.iter().map(|id| choice(id)).collect(),
        estimate: Estimate::of_tokens(prompt_tokens),
        max_tokens,
        preferences: Preferences {
            sort: Some(By::Price.into()),
            ..Preferences::default()
        },
        ..Facts::default()
    }
}

#[test]
fn the_cheapest_for_this_request_comes_first() {
    let cases = [
        (1000, None, "m/one@beta,m/one@alpha,m/one@gamma"),
        (10, Some(99), "m/one@alpha,m/one@gamma,m/one@beta"),
    ];
    for (prompt, max, plan) in cases {
        let stream = planned(&facts(&["m/one"], prompt, max));
        assert_eq!(
            stream.header(Direction::Request, header::PLAN).as_deref(),
            Some(plan)
        );
        let retries = stream.header(Direction::Request, header::ENVOY_MAX_RETRIES);
        assert_eq!(retries.as_deref(), Some("3"), "and the last word");
    }
}

#[test]
fn models_follow_each_other() {
    let stream = planned(&facts(&["m/two", "m/one"], 1000, None));
    assert_eq!(
        stream.header(Direction::Request, header::PLAN).as_deref(),
        Some("m/two@gamma,m/one@beta,m/one@alpha,m/one@gamma")
    );
}

/// The filter of a document with these members, too.
fn with(more: &str) -> Result<std::rc::Rc<Settings>, DocumentError> {
    settings::<Select>(&DOCUMENT.replacen('{', &format!("{{{more}"), 1))
}

#[test]
fn in_the_native_shape_the_route_is_told_where_attempts_go_and_for_how_long() {
    let groups =
        |clusters: &[&str]| Some(meshrouter_core::groups::encode(clusters.iter().copied()));
    let cases = [
        // The usual patience stands in the route.
        ("", groups(&["b", "a", "c", "nobody"]), None),
        (
            r#""timeouts": {"first_byte_ms": 400},"#,
            groups(&["b", "a", "c", "nobody"]),
            Some("400"),
        ),
        // The longest holds for all; 0 is longer than any.
        (
            r#""timeouts": {"first_byte_ms": 0},"#,
            groups(&["b", "a", "c", "nobody"]),
            Some("0"),
        ),
        (
            r#""timeouts": {"first_byte_ms": 400, "total_ms": 300},"#,
            groups(&["b", "a", "c", "nobody"]),
            Some("300"),
        ),
    ];
    for (more, groups, patience) in cases {
        let settings = with(&format!(r#""native": true, {more}"#)).unwrap();
        let mut stream: Stream<Select> = Stream::new(&settings);
        let facts = facts(&["m/one"], 1_000, None).encode();
        stream
            .host
            .properties
            .insert(property::FACTS.to_owned(), facts);
        stream.headers(
            Direction::Request,
            &[(":path", "/v1/chat/completions")],
            false,
        );
        assert_eq!(stream.header(Direction::Request, header::GROUPS), groups);
        let told = stream.header(Direction::Request, header::ENVOY_PER_TRY_TIMEOUT);
        assert_eq!(told.as_deref(), patience, "{more}");
    }
    let error = with(r#""native": true, "hedge_after_ms": 5, "#).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("hedge_after_ms: attempts cannot race"),
        "{error}"
    );
    let elsewhere = planned(&facts(&["m/one"], 1_000, None));
    assert_eq!(elsewhere.header(Direction::Request, header::GROUPS), None);
}

/// What all workers know after these events at the endpoints of `m/one`.
fn known(now: u64, event: impl Fn(&str, &mut Entry<'_>)) -> Shared {
    let mut board = Board::of(None);
    for tag in ["alpha", "beta", "gamma"] {
        event(tag, &mut board.entry(EndpointHash::of(tag), now));
    }
    Shared::from([(health::key("m/one"), (board.into_bytes(), 1))])
}

#[test]
fn one_request_probes_what_cooled_down_and_the_others_go_elsewhere() {
    let now = 1_700_000_000_000;
    let mut shared = known(now, |tag, entry| {
        if tag == "beta" {
            (0..5).for_each(|_| entry.failed(5));
        }
    });
    let plan = |now, shared: &mut Shared| {
        let stream = planned_at(now, shared, &facts(&["m/one"], 1_000, None));
        shared.clone_from(&stream.host.shared);
        stream.header(Direction::Request, header::PLAN).unwrap()
    };
    let (with, without) = (
        "m/one@beta,m/one@alpha,m/one@gamma",
        "m/one@alpha,m/one@gamma,m/one@beta",
    );
    assert_eq!(plan(now + 999, &mut shared), without);
    assert_eq!(plan(now + 1_000, &mut shared), with, "the probe");
    for _ in 0..3 {
        assert_eq!(plan(now + 1_000, &mut shared), without);
    }
    // It was never heard of again.
    assert_eq!(plan(now + 6_000, &mut shared), with);
    assert_eq!(plan(now + 6_000, &mut shared), without);
}

#[test]
fn an_own_account_is_probed_in_its_own_record() {
    let now = 1_700_000_000_000;
    let keys = r#"{"keys": [{"name": "k", "hash": "", "credentials": [{"provider": "beta", "secret": "s"}]}], "#;
    let document = DOCUMENT.replacen('{', keys, 1);
    let mut board = Board::of(None);
    let mut entry = board.entry(EndpointHash::own("beta", 0), now);
    (0..5).for_each(|_| entry.failed(5));
    let record = health::own_key("m/one", "k");
    let mut shared = Shared::from([(record.clone(), (board.into_bytes(), 1))]);
    let mut plan = |key: &str, now| {
        let mut stream: Stream<Select> = Stream::new(&settings::<Select>(&document).unwrap());
        stream.host.shared.clone_from(&shared);
        let facts = Facts {
            started: now * 1_000_000,
            key: key.to_owned(),
            ..facts(&["m/one"], 1_000, None)
        };
        let properties = &mut stream.host.properties;
        properties.insert(property::FACTS.to_owned(), facts.encode());
        let path = [(":path", "/v1/chat/completions")];
        stream.headers(Direction::Request, &path, false);
        shared.clone_from(&stream.host.shared);
        assert_eq!(shared.keys().collect::<Vec<_>>(), [&record]);
        stream.header(Direction::Request, header::PLAN).unwrap()
    };
    let others = "m/one@beta,m/one@alpha,m/one@gamma";
    assert_eq!(plan("k", now), format!("{others},m/one@beta#0"));
    assert_eq!(plan("k", now + 1_000), format!("m/one@beta#0,{others}"));
    // That was the probe.
    assert_eq!(plan("k", now + 1_000), format!("{others},m/one@beta#0"));
    assert_eq!(plan("", now + 1_000), others);
}

#[test]
fn of_a_key_that_is_not_in_this_document_nothing_is_allowed() {
    let facts = Facts {
        key: "new".to_owned(),
        ..facts(&["m/one"], 1_000, None)
    };
    let reply = planned(&facts).host.reply.unwrap();
    assert_eq!(reply.status, 503);
    assert!(reply.headers.contains(&("retry-after", "1".to_owned())));
}

#[test]
fn where_all_cool_down_the_caller_learns_for_how_long() {
    let now = 1_700_000_000_000;
    let shared = known(now, |tag, entry| {
        entry.cool_down(if tag == "beta" { 1_500 } else { 9_000 })
    });
    let reply = planned_at(now, &shared, &facts(&["m/one"], 1_000, None))
        .host
        .reply
        .unwrap();
    assert_eq!(reply.status, 429);
    let header = |name: &str| {
        let found = reply.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(
        (header("retry-after"), header("retry-after-ms")),
        (Some("2"), Some("1500"))
    );
    let body = String::from_utf8(reply.body.clone()).unwrap();
    assert!(body.contains("in 2 s"), "{body}");
    // One that may be asked is enough.
    let stream = planned_at(now + 1_500, &shared, &facts(&["m/one"], 1_000, None));
    let plan = stream.header(Direction::Request, header::PLAN);
    assert_eq!(plan.as_deref(), Some("m/one@beta,m/one@alpha,m/one@gamma"));
}

#[test]
fn nobody_to_ask_is_a_404_that_says_why() {
    let error = |change: &dyn Fn(&mut Facts)| {
        let mut facts = facts(&["m/two", "m/one"], 1, None);
        change(&mut facts);
        let reply = planned(&facts).host.reply.unwrap();
        assert_eq!(reply.status, 404);
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(error(&|facts| facts.models.clear()), "No endpoints found.");
    assert_eq!(
        error(&|facts| facts.operation = Operation::Embeddings),
        "No endpoints found for `m/two` that serve embeddings. No endpoints found for `m/one` that serve embeddings."
    );
    let image = error(&|facts| facts.input_modalities = vec!["image".to_owned()]);
    assert!(
        image.contains("No endpoints found for `m/two` that take all of this input: image."),
        "{image}"
    );
    let exacto = error(&|facts| {
        facts
            .models
            .iter_mut()
            .for_each(|choice| choice.variants.exacto = true)
    });
    assert!(
        exacto.contains("No endpoints found for `m/one` that are curated, as `:exacto` wants."),
        "{exacto}"
    );
}

#[test]
fn required_parameters_take_endpoints_out() {
    let mut facts = facts(&["m/one", "m/two"], 1000, None);
    facts.preferences.require_parameters = Some(true);
    facts.parameters = ParameterSet::of("seed");
    let stream = planned(&facts);
    // Of `m/two` nobody knows what it understands.
    let plan = stream.header(Direction::Request, header::PLAN);
    assert_eq!(plan.as_deref(), Some("m/two@gamma"));
}

#[test]
fn nitro_prefers_the_fastest_and_floor_the_cheapest() {
    let planned = |nitro, floor| {
        let mut facts = facts(&["m/one"], 1000, None);
        facts.models[0].variants = Variants {
            nitro,
            floor,
            ..Variants::default()
        };
        planned(&facts)
            .header(Direction::Request, header::PLAN)
            .unwrap()
    };
    assert_eq!(planned(true, false), "m/one@gamma,m/one@beta,m/one@alpha");
    assert_eq!(planned(false, true), "m/one@beta,m/one@alpha,m/one@gamma");
    assert_eq!(planned(true, true), "m/one@beta,m/one@alpha,m/one@gamma");
}

#[test]
fn the_model_list_has_the_documented_schema() {
    let mut stream: Stream<Select> = Stream::new(&settings::<Select>(DOCUMENT).unwrap());
    let flow = stream.headers(Direction::Request, &[(":path", "/api/v1/models")], true);
    assert_eq!(flow, Flow::Replied);
    let reply = stream.host.reply.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        body["data"][0],
        serde_json::json!({
            "id": "m/one", "canonical_slug": "m/one", "name": "m/one", "created": 0, "description": "",
            "context_length": 8192,
            "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"],
                             "tokenizer": "Other", "instruct_type": null},
            "pricing": {"prompt": "0.000001", "completion": "0.000002", "request": "0", "image": "0",
                        "web_search": "0", "internal_reasoning": "0", "input_cache_read": "0",
                        "input_cache_write": "0"},
            "top_provider": {"context_length": 8192, "max_completion_tokens": 99, "is_moderated": false},
            "per_request_limits": null, "supported_parameters": ["tools"],
            "default_parameters": null, "supported_voices": null,
            "links": {"details": "/api/v1/models/m/one/endpoints"}
        })
    );
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert_eq!(body["total_count"], 2);
}
