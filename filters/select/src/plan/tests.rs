//! Every field of the `provider` object, alone and in conflict; what models and the auto router add.

mod abilities;
mod levels;
mod live;
mod own;
mod properties;

use meshrouter_core::Document;
use meshrouter_core::Facts;
use meshrouter_core::health::EndpointHash;
use meshrouter_core::tokens::Estimate;
use serde_json::{Value, json};

use super::*;
use crate::policy::Policies;

/// A catalog, the policy of its key `k`, and the moment.
pub(super) struct Case {
    catalog: Catalog,
    policies: Policies,
    pub(super) boards: Vec<(String, Board)>,
    /// Of the key's own accounts, by model.
    pub(super) own_boards: Vec<(String, Board)>,
    pub(super) now: u64,
    pub(super) seed: u64,
    pub(super) affinity: Option<Candidate>,
}

/// What came of a selection, as text: `m@a,m@b`, and `m@c: zdr` for those left out.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) plan: String,
    pub(super) excluded: Vec<String>,
}

pub(super) fn endpoint(provider: &str, dollars: &str, more: Value) -> Value {
    let mut endpoint = json!({"provider": provider, "pricing": {"prompt": format!("0.00000{dollars}"), "completion": "0"}});
    endpoint
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    endpoint
}

pub(super) fn model(id: &str, more: Value, endpoints: Vec<Value>) -> Value {
    let mut model = json!({"id": id, "context_length": 100_000, "endpoints": endpoints});
    model
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    model
}

impl Case {
    /// Of these models and of what else the document says.
    pub(super) fn new(models: Vec<Value>, more: Value) -> Self {
        let mut document = json!({
            "providers": {
                "a": {"cluster": "c"}, "b": {"cluster": "c"},
                "c": {"cluster": "c", "data_collection": "deny", "zdr": true}, "d": {"cluster": "c"}},
            "models": models});
        document
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let read = || Document::from_json(document.to_string().as_bytes()).unwrap();
        let catalog = Catalog::compile(read()).unwrap();
        let policies = Policies::compile(&read().keys, &read().preferences, &catalog).unwrap();
        Self {
            catalog,
            policies,
            boards: Vec::new(),
            own_boards: Vec::new(),
            now: 1_700_000_000_000,
            seed: 0,
            affinity: None,
        }
    }

    /// The live numbers of an endpoint.
    pub(super) fn happens(
        &mut self,
        model: &str,
        tag: &str,
        event: impl Fn(&mut meshrouter_core::health::Entry<'_>),
    ) {
        // An own account is written as in a plan: `a#0`.
        let boards = match tag.contains('#') {
            true => &mut self.own_boards,
            false => &mut self.boards,
        };
        if !boards.iter().any(|(known, _)| known == model) {
            boards.push((model.to_owned(), Board::of(None)));
        }
        let mut boards = boards.iter_mut();
        let board = boards.find(|(known, _)| known == model).unwrap();
        event(&mut board.1.entry(EndpointHash::of(tag), self.now));
    }

    /// The selection for a request of key `k`, or of nobody's where the document has none: 1,000 tokens, for `models`, with these facts.
    pub(super) fn found(&self, models: &[&str], facts: &Value) -> Found {
        let mut base = json!(Facts {
            generation: "g".to_owned(),
            ..Facts::default()
        });
        let base = base.as_object_mut().unwrap();
        base.insert(
            "models".to_owned(),
            models.iter().map(|id| choice(id)).collect(),
        );
        base.extend(facts.as_object().unwrap().clone());
        let tokens = base
            .remove("prompt_tokens")
            .map_or(1_000, |n| n.as_u64().unwrap());
        base.insert("estimate".to_owned(), json!(Estimate::of_tokens(tokens)));
        // As a filter carries it to another.
        let preferences = facts.get("preferences").map(Value::to_string);
        let preferences = json!(preferences.unwrap_or_default());
        base.insert("preferences".to_owned(), preferences);
        let facts: Facts = serde_json::from_value(json!(base)).unwrap();
        let policy = self.policies.of("k").or_else(|| self.policies.of(""));
        let demand = Demand::new(&facts, policy.unwrap());
        let (ids, _) = resolve(&self.catalog, &facts.models, &demand);
        let board = |boards: &[(String, Board)], id: &str| {
            let found = boards.iter().find(|(known, _)| known == id);
            found.map_or_else(|| Board::of(None), |(_, board)| board.clone())
        };
        let wanted: Vec<Wanted<'_>> = ids
            .into_iter()
            .map(|(id, variants)| {
                let model = self.catalog.model(id).unwrap();
                let boards = [board(&self.boards, id), board(&self.own_boards, id)];
                let [board, own_board] = boards;
                Wanted::new(&demand, (id, variants, model), board, own_board)
            })
            .collect();
        let moment = Moment {
            now: self.now,
            seed: self.seed,
            affinity: self.affinity.as_ref(),
        };
        let selection = select(&demand, &wanted, moment);
        let excluded = selection.excluded.iter().map(|excluded| {
            let name = excluded.constraint.name();
            format!("{}@{}: {name}", excluded.model, excluded.endpoint.tag)
        });
        Found {
            plan: selection.plan(),
            excluded: excluded.collect(),
        }
    }

    /// The plan alone, for a `provider` object that sorts by price unless it says otherwise.
    fn planned(&self, models: &[&str], provider: Value) -> String {
        let mut preferences = json!({"sort": "price"});
        preferences
            .as_object_mut()
            .unwrap()
            .extend(provider.as_object().unwrap().clone());
        self.found(models, &json!({"preferences": preferences}))
            .plan
    }
}

/// A choice from a slug with variants.
fn choice(slug: &str) -> Value {
    let (id, variants) = slug.split_once(':').unwrap_or((slug, ""));
    let has = |name: &str| variants.split(':').any(|variant| variant == name);
    json!({"id": id, "variants": {"nitro": has("nitro"), "floor": has("floor"), "exacto": has("exacto"),
        "online": has("online"), "thinking": has("thinking")}})
}

/// Three endpoints at $1, $2 and $3 a million tokens, and what distinguishes them.
fn three() -> Case {
    Case::new(
        vec![
            model(
                "m",
                json!({"supported_parameters": ["tools", "seed"]}),
                vec![
                    endpoint(
                        "a",
                        "1",
                        json!({"throughput": 10, "latency_ms": 900, "quantization": "fp8", "exacto": true}),
                    ),
                    endpoint(
                        "b",
                        "2",
                        json!({"throughput": 90, "latency_ms": 500, "quantization": "int4", "variant": "turbo"}),
                    ),
                    endpoint(
                        "c",
                        "3",
                        json!({"throughput": 50, "latency_ms": 100, "supported_parameters": ["tools"]}),
                    ),
                ],
            ),
            model(
                "n",
                json!({"distillable": true}),
                vec![endpoint("c", "1", json!({}))],
            ),
        ],
        json!({}),
    )
}

#[test]
fn each_field_alone() {
    let case = three();
    let cases = [
        (json!({}), "m@a,m@b/turbo,m@c"),
        (json!({"order": ["c"]}), "m@c,m@a,m@b/turbo"),
        (json!({"order": ["c", "b"]}), "m@c,m@b/turbo,m@a"),
        (json!({"order": ["B/Turbo", "nobody"]}), "m@b/turbo,m@a,m@c"),
        (json!({"order": ["b/default"]}), "m@a,m@b/turbo,m@c"),
        (json!({"order": []}), "m@a,m@b/turbo,m@c"),
        (json!({"only": ["b", "c"]}), "m@b/turbo,m@c"),
        (json!({"only": ["b/turbo"]}), "m@b/turbo"),
        (json!({"only": ["b/slow"]}), ""),
        (json!({"only": []}), "m@a,m@b/turbo,m@c"),
        (json!({"ignore": ["a", "b/turbo"]}), "m@c"),
        (json!({"ignore": ["b"]}), "m@a,m@c"),
        (json!({"allow_fallbacks": false}), "m@a"),
        (json!({"allow_fallbacks": true}), "m@a,m@b/turbo,m@c"),
        (json!({"data_collection": "deny"}), "m@c"),
        (json!({"data_collection": "allow"}), "m@a,m@b/turbo,m@c"),
        (json!({"zdr": true}), "m@c"),
        (json!({"zdr": false}), "m@a,m@b/turbo,m@c"),
        (json!({"enforce_distillable_text": true}), ""),
        (json!({"quantizations": ["fp8", "unknown"]}), "m@a,m@c"),
        (json!({"quantizations": ["int4"]}), "m@b/turbo"),
        (json!({"sort": "throughput"}), "m@b/turbo,m@c,m@a"),
        (json!({"sort": "latency"}), "m@c,m@b/turbo,m@a"),
        (json!({"sort": {"by": "latency"}}), "m@c,m@b/turbo,m@a"),
        (json!({"max_price": {"prompt": 2}}), "m@a,m@b/turbo"),
        (
            json!({"max_price": {"prompt": "1.99", "completion": 0}}),
            "m@a",
        ),
        (json!({"preferred_min_throughput": 50}), "m@b/turbo,m@c,m@a"),
        (json!({"preferred_max_latency": 0.5}), "m@b/turbo,m@c,m@a"),
        (
            json!({"preferred_max_latency": {"p90": 0.2}}),
            "m@c,m@a,m@b/turbo",
        ),
    ];
    for (provider, plan) in cases {
        assert_eq!(case.planned(&["m"], provider.clone()), plan, "{provider}");
    }
    assert_eq!(
        case.planned(&["m", "n"], json!({"enforce_distillable_text": true})),
        "n@c"
    );
}

#[test]
fn fields_in_conflict() {
    let case = three();
    let cases = [
        // What is forbidden stays so, whoever is named first.
        (json!({"order": ["a"], "ignore": ["a"]}), "m@b/turbo,m@c"),
        (json!({"order": ["a"], "only": ["c"]}), "m@c"),
        (json!({"only": ["a", "b"], "ignore": ["a"]}), "m@b/turbo"),
        (json!({"order": ["a"], "zdr": true}), "m@c"),
        (
            json!({"order": ["b", "a"], "allow_fallbacks": false}),
            "m@b/turbo,m@a",
        ),
        (json!({"order": ["nobody"], "allow_fallbacks": false}), ""),
        (
            json!({"only": ["b", "c"], "allow_fallbacks": false}),
            "m@b/turbo",
        ),
        // The order first; the others as the sort says.
        (
            json!({"order": ["a"], "sort": "latency"}),
            "m@a,m@c,m@b/turbo",
        ),
        // The fastest that does not cost too much.
        (
            json!({"sort": "latency", "max_price": {"prompt": 2}}),
            "m@b/turbo,m@a",
        ),
        // A preferred speed beats the price, never a constraint.
        (
            json!({"preferred_max_latency": 0.2, "ignore": ["c"]}),
            "m@a,m@b/turbo",
        ),
        (
            json!({"sort": "throughput", "preferred_max_latency": 0.2}),
            "m@c,m@b/turbo,m@a",
        ),
    ];
    for (provider, plan) in cases {
        assert_eq!(case.planned(&["m"], provider.clone()), plan, "{provider}");
    }
}

#[test]
fn variants_of_a_slug_are_more_particular_than_sort() {
    let case = three();
    let cases = [
        ("m:nitro", json!({"sort": "price"}), "m@b/turbo,m@c,m@a"),
        ("m:floor", json!({"sort": "latency"}), "m@a,m@b/turbo,m@c"),
        ("m:floor:nitro", json!({}), "m@a,m@b/turbo,m@c"),
        ("m:exacto", json!({}), "m@a"),
        ("m:exacto", json!({"ignore": ["a"]}), ""),
    ];
    for (slug, provider, plan) in cases {
        assert_eq!(
            case.planned(&[slug], provider.clone()),
            plan,
            "{slug} {provider}"
        );
    }
}

#[test]
fn models_follow_each_other_or_are_sorted_as_one() {
    let case = three();
    let found = |provider| case.planned(&["m", "n"], provider);
    assert_eq!(found(json!({})), "m@a,m@b/turbo,m@c,n@c");
    assert_eq!(found(json!({"allow_fallbacks": false})), "m@a,n@c");
    let one = |by| json!({"sort": {"by": by, "partition": "none"}});
    assert_eq!(found(one("price")), "m@a,n@c,m@b/turbo,m@c");
    // Of `n` nobody knows how fast it is.
    assert_eq!(found(one("throughput")), "m@b/turbo,m@c,m@a,n@c");
    let mut first = one("price");
    first["allow_fallbacks"] = json!(false);
    assert_eq!(found(first), "m@a");
}

#[test]
fn each_endpoint_is_asked_once_however_often_its_model_is_named() {
    let case = three();
    assert_eq!(
        case.planned(&["m:exacto", "m", "n", "m:nitro"], json!({})),
        "m@a,m@b/turbo,m@c,n@c"
    );
    let alone = json!({"allow_fallbacks": false});
    let found = case.found(&["m:nitro", "m"], &json!({"preferences": alone}));
    assert_eq!(found.plan, "m@b/turbo,m@a");
    assert_eq!(found.excluded, ["m@c: allow_fallbacks"]);
    let nobody = json!({"preferences": {"only": ["c"], "quantizations": ["fp8"]}});
    let found = case.found(&["m:exacto", "m"], &nobody);
    assert_eq!(
        found.excluded,
        ["m@a: only", "m@b/turbo: only", "m@c: quantizations"]
    );
    // Whoever one name leaves out may serve by another.
    let only = json!({"preferences": {"only": ["c"]}});
    let found = case.found(&["m:exacto", "m"], &only);
    assert_eq!(found.plan, "m@c");
    assert_eq!(found.excluded, ["m@a: only", "m@b/turbo: only"]);
}

#[test]
fn the_auto_router_plans_its_pool() {
    let pool = json!({"auto": {"models": [
        {"id": "small", "quality": 50},
        {"id": "large", "quality": 80, "strengths": {"code": 99}},
        {"id": "eyes", "quality": 60}]}});
    let text = json!({});
    let images = json!({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]}});
    let case = Case::new(
        vec![
            model("small", text.clone(), vec![endpoint("a", "1", json!({}))]),
            model(
                "large",
                text,
                vec![endpoint("b", "8", json!({})), endpoint("c", "9", json!({}))],
            ),
            model("eyes", images, vec![endpoint("d", "2", json!({}))]),
        ],
        pool,
    );
    let planned = |mut facts: Value| {
        let mut preferences = json!({"sort": "price"});
        if let Some(more) = facts.get("preferences").and_then(Value::as_object) {
            preferences.as_object_mut().unwrap().extend(more.clone());
        }
        facts["preferences"] = preferences;
        case.found(&["meshrouter/auto"], &facts).plan
    };
    // 50; 80 − 15 × 3; 60 − 15.
    assert_eq!(planned(json!({})), "small@a,eyes@d,large@b,large@c");
    assert_eq!(
        planned(json!({"tasks": ["code"]})),
        "large@b,large@c,eyes@d,small@a"
    );
    assert_eq!(planned(json!({"input_modalities": ["image"]})), "eyes@d");
    assert_eq!(
        planned(json!({"tasks": ["code"], "preferences": {"max_price": {"prompt": 5}}})),
        "eyes@d,small@a"
    );
    assert_eq!(planned(json!({"input_modalities": ["audio"]})), "");
    let nobody = case.found(
        &["meshrouter/auto"],
        &json!({"input_modalities": ["audio"]}),
    );
    assert_eq!(nobody.excluded.len(), 4);
}
