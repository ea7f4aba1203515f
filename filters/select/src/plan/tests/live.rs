//! What live numbers change: outages, cool-downs, speeds, and where a conversation was served.

use super::*;

/// Endpoints at $1, $2 and $3 a million tokens.
fn three() -> Case {
    let endpoints = ["a", "b", "c"].iter().zip(["1", "2", "3"]);
    let endpoints = endpoints
        .map(|(provider, price)| endpoint(provider, price, json!({})))
        .collect();
    Case::new(vec![model("m", json!({}), endpoints)], json!({}))
}

fn fail(case: &mut Case, tag: &str) {
    for _ in 0..2 {
        case.happens("m", tag, |entry| entry.failed(0));
    }
}

fn plan(case: &Case, provider: Value) -> String {
    case.found(&["m"], &json!({"preferences": provider})).plan
}

#[test]
fn the_documented_example_of_balancing() {
    let mut case = three();
    fail(&mut case, "b");
    let (mut first_a, mut first_c) = (0, 0);
    for seed in 0..20_000 {
        case.seed = seed;
        match plan(&case, json!({})).as_str() {
            "m@a,m@c,m@b" => first_a += 1,
            "m@c,m@a,m@b" => first_c += 1,
            other => panic!("{other}"),
        }
    }
    // 9 : 1, within four standard deviations of 42.
    assert!(
        (17_830..=18_170).contains(&first_a),
        "{first_a} to {first_c}"
    );
}

#[test]
fn an_outage_counts_where_nothing_is_sorted() {
    let mut case = three();
    fail(&mut case, "a");
    assert!(plan(&case, json!({})).ends_with(",m@a"));
    assert_eq!(plan(&case, json!({"allow_fallbacks": false})), "m@b");
    // Whoever says where to go goes there.
    assert_eq!(plan(&case, json!({"sort": "price"})), "m@a,m@b,m@c");
    assert_eq!(plan(&case, json!({"order": ["a"]})), "m@a,m@b,m@c");
    assert_eq!(plan(&case, json!({"order": ["c"]})), "m@c,m@b,m@a");
    // It is over after 30 seconds.
    case.now += 30_000;
    assert_eq!(plan(&case, json!({"allow_fallbacks": false})), "m@a");
    // One failure is none, and neither are three among many.
    let mut case = three();
    case.happens("m", "a", |entry| entry.failed(0));
    assert_eq!(plan(&case, json!({"allow_fallbacks": false})), "m@a");
    fail(&mut case, "a");
    for _ in 0..20 {
        case.happens("m", "a", |entry| entry.answered());
    }
    assert_eq!(plan(&case, json!({"allow_fallbacks": false})), "m@a");
}

#[test]
fn where_all_are_ailing_the_load_is_balanced_all_the_same() {
    let mut case = three();
    ["a", "b", "c"].iter().for_each(|tag| fail(&mut case, tag));
    let firsts: std::collections::BTreeSet<String> = (0..200)
        .map(|seed| {
            case.seed = seed;
            plan(&case, json!({})).split(',').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(firsts.len(), 3);
}

#[test]
fn who_cools_down_is_asked_last_whatever_is_sorted() {
    let mut case = three();
    case.happens("m", "a", |entry| entry.cool_down(2_000));
    for provider in [
        json!({"sort": "price"}),
        json!({"order": ["a"]}),
        json!({"order": ["a", "b"]}),
    ] {
        assert_eq!(plan(&case, provider.clone()), "m@b,m@c,m@a", "{provider}");
    }
    assert!(plan(&case, json!({})).ends_with(",m@a"));
    case.now += 2_000;
    assert_eq!(plan(&case, json!({"sort": "price"})), "m@a,m@b,m@c");
}

#[test]
fn who_cools_down_comes_after_the_next_model() {
    let mut case = Case::new(
        vec![
            model("m", json!({}), vec![endpoint("a", "1", json!({}))]),
            model("n", json!({}), vec![endpoint("b", "1", json!({}))]),
        ],
        json!({}),
    );
    case.happens("m", "a", |entry| entry.cool_down(2_000));
    assert_eq!(case.found(&["m", "n"], &json!({})).plan, "n@b,m@a");
}

#[test]
fn measured_speeds_count_more_than_the_catalog() {
    let with =
        |throughput: u64| json!({"throughput": throughput, "latency_ms": 1_000 - throughput});
    let mut case = Case::new(
        vec![model(
            "m",
            json!({}),
            vec![
                endpoint("a", "1", with(10)),
                endpoint("b", "2", with(20)),
                endpoint("c", "3", json!({})),
            ],
        )],
        json!({}),
    );
    let (fast, near) = (json!({"sort": "throughput"}), json!({"sort": "latency"}));
    assert_eq!(
        plan(&case, fast.clone()),
        "m@b,m@a,m@c",
        "of c nobody knows"
    );
    assert_eq!(plan(&case, near.clone()), "m@b,m@a,m@c");
    for _ in 0..3 {
        case.happens("m", "a", |entry| entry.throughput(100, 1_000));
        case.happens("m", "c", |entry| entry.latency(5));
    }
    assert_eq!(plan(&case, fast.clone()), "m@a,m@b,m@c");
    assert_eq!(plan(&case, near.clone()), "m@c,m@b,m@a");
    let preferred =
        json!({"sort": "price", "preferred_min_throughput": 50, "preferred_max_latency": 2});
    assert_eq!(plan(&case, preferred), "m@a,m@c,m@b");
    // Numbers age.
    case.now += 301_000;
    assert_eq!(plan(&case, fast), "m@b,m@a,m@c");
    assert_eq!(plan(&case, near), "m@b,m@a,m@c");
}

#[test]
fn percentiles_are_those_of_the_slow_side() {
    let endpoints = vec![endpoint("a", "1", json!({})), endpoint("b", "2", json!({}))];
    let mut case = Case::new(vec![model("m", json!({}), endpoints)], json!({}));
    for n in 1..=10 {
        case.happens("m", "a", |entry| {
            entry.throughput(n, 100);
            entry.latency(n * 100);
        });
    }
    let cases = [
        (json!({"preferred_min_throughput": 50}), "m@a,m@b"),
        (json!({"preferred_min_throughput": 51}), "m@b,m@a"),
        (json!({"preferred_min_throughput": {"p90": 10}}), "m@a,m@b"),
        (json!({"preferred_min_throughput": {"p90": 11}}), "m@b,m@a"),
        (json!({"preferred_max_latency": {"p90": 0.9}}), "m@a,m@b"),
        (
            json!({"preferred_max_latency": {"p50": 9, "p90": 0.8}}),
            "m@b,m@a",
        ),
    ];
    for (mut provider, expected) in cases {
        provider["sort"] = json!("price");
        assert_eq!(plan(&case, provider.clone()), expected, "{provider}");
    }
}

#[test]
fn a_parameter_that_is_not_understood_puts_behind() {
    let endpoints = vec![
        endpoint("a", "1", json!({"supported_parameters": ["tools"]})),
        endpoint("b", "9", json!({"supported_parameters": ["tools", "seed"]})),
    ];
    let case = Case::new(vec![model("m", json!({}), endpoints)], json!({}));
    let seed = meshrouter_core::parameters::ParameterSet::of("seed");
    let facts = |provider| json!({"parameters": seed, "preferences": provider});
    assert_eq!(case.found(&["m"], &facts(json!({}))).plan, "m@b,m@a");
    assert_eq!(
        case.found(&["m"], &facts(json!({"sort": "price"}))).plan,
        "m@a,m@b"
    );
}

#[test]
fn a_conversation_stays_where_it_was_served_while_that_is_healthy() {
    let mut case = three();
    case.affinity = Candidate::parse("m@c");
    for seed in 0..50 {
        case.seed = seed;
        assert_eq!(plan(&case, json!({})), "m@c,m@a,m@b");
    }
    // Not against the caller's own order, and not where it may not serve.
    assert_eq!(plan(&case, json!({"sort": "price"})), "m@a,m@b,m@c");
    assert_eq!(plan(&case, json!({"order": ["b"]})), "m@b,m@a,m@c");
    assert!(!plan(&case, json!({"ignore": ["c"]})).contains('c'));
    case.affinity = Candidate::parse("other@c");
    let drawn: Vec<String> = (0..50)
        .map(|seed| {
            case.seed = seed;
            plan(&case, json!({}))
        })
        .collect();
    assert!(
        drawn.iter().any(|plan| plan.starts_with("m@a")),
        "another model's turn is none"
    );
    case.affinity = Candidate::parse("m@c");
    fail(&mut case, "c");
    assert!(plan(&case, json!({})).ends_with(",m@c"));
}
