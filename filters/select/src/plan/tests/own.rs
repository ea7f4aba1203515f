//! The key's own accounts: before the gateway's, and the gateway's only where it may.

use super::*;

/// Endpoints `a`, `b` and `c` of `m` at $1, $2 and $3 a million tokens, `a` and `c` of `n`, and these
/// credentials of the key.
fn case(credentials: &Value) -> Case {
    let endpoints = |providers: &[(&str, &str)]| {
        let endpoints = providers.iter();
        endpoints
            .map(|(provider, price)| endpoint(provider, price, json!({})))
            .collect()
    };
    let models = vec![
        model(
            "m",
            json!({"aliases": ["em"]}),
            endpoints(&[("a", "1"), ("b", "2"), ("c", "3")]),
        ),
        model("n", json!({}), endpoints(&[("a", "1"), ("c", "3")])),
    ];
    let key = json!({"name": "k", "hash": "", "credentials": credentials});
    Case::new(models, json!({"keys": [key]}))
}

fn own(provider: &str, more: Value) -> Value {
    let mut own = json!({"provider": provider, "secret": "s"});
    let more = more.as_object().unwrap().clone();
    own.as_object_mut().unwrap().extend(more);
    own
}

#[test]
fn own_accounts_come_first() {
    let b = || own("b", json!({}));
    let always = |provider: &str| own(provider, json!({"always": true}));
    let only = |provider: &str, models: Value| own(provider, json!({"models": models}));
    let m = ["m"].as_slice();
    let cases = [
        (json!([]), m, json!({}), "m@a,m@b,m@c"),
        (json!([b()]), m, json!({}), "m@b#0,m@a,m@b,m@c"),
        // Whatever the order, in which they are themselves, and the gateway's behind them.
        (
            json!([b()]),
            m,
            json!({"order": ["c", "a"]}),
            "m@b#0,m@c,m@a,m@b",
        ),
        (
            json!([own("c", json!({})), own("a", json!({}))]),
            m,
            json!({}),
            "m@a#1,m@c#0,m@a,m@b,m@c",
        ),
        (
            json!([own("c", json!({})), own("a", json!({}))]),
            m,
            json!({"order": ["c"]}),
            "m@c#0,m@a#1,m@c,m@a,m@b",
        ),
        // The gateway's account is none where one of the key's says so, for the models of that.
        (json!([always("b")]), m, json!({}), "m@b#0,m@a,m@c"),
        (
            json!([b(), always("b")]),
            m,
            json!({"only": ["b"]}),
            "m@b#0,m@b#1",
        ),
        (
            json!([own("a", json!({"always": true, "models": ["n"]}))]),
            &["m", "n"],
            json!({}),
            "m@a,m@b,m@c,n@a#0,n@c",
        ),
        // Each model by itself.
        (
            json!([only("c", json!(["em"]))]),
            &["n", "m"],
            json!({}),
            "n@a,n@c,m@c#0,m@a,m@b,m@c",
        ),
        (
            json!([own("c", json!({}))]),
            &["m", "n"],
            json!({"sort": {"by": "price", "partition": "none"}}),
            "m@c#0,n@c#0,m@a,n@a,m@b,m@c,n@c",
        ),
        (json!([only("c", json!([]))]), m, json!({}), "m@a,m@b,m@c"),
        // What keeps an endpoint out keeps it out on every account.
        (json!([b()]), m, json!({"ignore": ["b"]}), "m@a,m@c"),
        (json!([b()]), m, json!({"zdr": true}), "m@c"),
        (
            json!([always("b")]),
            m,
            json!({"max_price": {"prompt": 1.5}}),
            "m@a",
        ),
        // Without fallbacks: one endpoint on one account, or those in the order on all.
        (json!([b()]), m, json!({"allow_fallbacks": false}), "m@b#0"),
        (
            json!([always("b")]),
            m,
            json!({"allow_fallbacks": false}),
            "m@b#0",
        ),
        (
            json!([b()]),
            &["n"],
            json!({"allow_fallbacks": false}),
            "n@a",
        ),
        (
            json!([b()]),
            m,
            json!({"allow_fallbacks": false, "order": ["c", "b"]}),
            "m@b#0,m@c,m@b",
        ),
        (json!([b()]), &["m", "m"], json!({}), "m@b#0,m@a,m@b,m@c"),
    ];
    for (credentials, models, provider, wanted) in cases {
        let found = case(&credentials).planned(models, provider.clone());
        assert_eq!(found, wanted, "{credentials} {provider}");
    }
}

#[test]
fn an_endpoint_that_is_asked_on_any_account_is_not_left_out() {
    let case = case(&json!([
        own("b", json!({})),
        own("b", json!({"always": true}))
    ]));
    let preferences = json!({"sort": "price", "allow_fallbacks": false});
    let mut found = case.found(&["m"], &json!({"preferences": preferences}));
    found.excluded.sort();
    assert_eq!(
        found.excluded,
        ["m@a: allow_fallbacks", "m@c: allow_fallbacks"]
    );
}

#[test]
fn several_accounts_share_the_requests_evenly() {
    let three = || own("b", json!({}));
    let mut case = case(&json!([three(), own("a", json!({})), three(), three()]));
    let mut firsts = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..3_000 {
        case.seed = seed;
        let plan = case.planned(&["m"], json!({"order": ["b"]}));
        let plan: Vec<&str> = plan.split(',').collect();
        let mut first: Vec<&str> = plan[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, ["m@b#0", "m@b#2", "m@b#3"], "each is a candidate");
        assert_eq!(plan[3..], ["m@a#1", "m@b", "m@a", "m@c"]);
        *firsts.entry(plan[0].to_owned()).or_default() += 1;
    }
    // A third each, within four standard deviations of 26.
    assert!(
        firsts.len() == 3 && firsts.values().all(|count| (895..=1_105).contains(count)),
        "{firsts:?}"
    );
}

#[test]
fn what_happens_to_one_account_is_nothing_to_the_others() {
    let credentials = json!([own("a", json!({})), own("a", json!({}))]);
    let limited = |tag: &str| {
        let mut case = case(&credentials);
        case.happens("m", tag, |entry| entry.cool_down(9_000));
        let mut plans = std::collections::BTreeSet::new();
        for seed in 0..50 {
            case.seed = seed;
            plans.insert(case.planned(&["m"], json!({})));
        }
        plans.into_iter().collect::<Vec<_>>().join(" ")
    };
    // A cooling one of the key's own comes behind all that may be asked.
    assert_eq!(limited("a#0"), "m@a#1,m@a,m@b,m@c,m@a#0");
    assert_eq!(limited("a#1"), "m@a#0,m@a,m@b,m@c,m@a#1");
    assert_eq!(
        limited("a"),
        "m@a#0,m@a#1,m@b,m@c,m@a m@a#1,m@a#0,m@b,m@c,m@a"
    );
    // Where the gateway's is out of the question, the rest waits.
    let mut case = case(&json!([own("a", json!({"always": true}))]));
    case.happens("m", "a#0", |entry| entry.cool_down(9_000));
    assert_eq!(case.planned(&["m"], json!({})), "m@b,m@c,m@a#0");
    assert_eq!(case.planned(&["m"], json!({"only": ["a"]})), "m@a#0");
}

#[test]
fn one_that_fails_comes_behind_its_equals() {
    let mut case = case(&json!([own("a", json!({})), own("a", json!({}))]));
    for _ in 0..2 {
        case.happens("m", "a#0", |entry| entry.failed(0));
    }
    for seed in 0..50 {
        case.seed = seed;
        let plan = case.found(&["m"], &json!({})).plan;
        assert!(plan.starts_with("m@a#1,m@a#0,"), "{plan}");
    }
}

#[test]
fn a_conversation_stays_on_its_account() {
    let mut case = case(&json!([own("a", json!({})), own("a", json!({}))]));
    for own in [0, 1] {
        let last = format!("m@a#{own}");
        case.affinity = Candidate::parse(&last);
        for (seed, provider) in (0..40).zip([json!({}), json!({"sort": "price"})].iter().cycle()) {
            case.seed = seed;
            let plan = case.found(&["m"], &json!({"preferences": provider})).plan;
            assert!(plan.starts_with(&last), "{plan}");
        }
        case.happens("m", &format!("a#{own}"), |entry| entry.cool_down(9_000));
        let plan = case.planned(&["m"], json!({}));
        assert!(!plan.starts_with(&last), "{plan}");
        case.own_boards.clear();
    }
}

#[test]
fn plans_are_bounded() {
    let many: Vec<Value> = (0..20).map(|_| own("c", json!({}))).collect();
    let by_price = json!({"preferences": {"sort": "price"}});
    let found = case(&json!(many)).found(&["m"], &by_price);
    assert_eq!(found.plan.split(',').count(), MAX_CANDIDATES);
    assert!(found.plan.split(',').all(|own| own.starts_with("m@c#")));
    assert_eq!(found.excluded, ["m@a: plan", "m@b: plan"]);
}

#[test]
fn a_prompt_that_is_compressed_goes_to_the_keys_own_account_too() {
    let small = json!({"context_length": 400});
    let models = vec![model(
        "m",
        json!({}),
        vec![endpoint("a", "1", small.clone()), endpoint("b", "1", small)],
    )];
    let key = json!({"name": "k", "hash": "", "credentials": [own("a", json!({"always": true}))]});
    let case = Case::new(models, json!({"keys": [key]}));
    assert_eq!(case.planned(&["m"], json!({})), "m@a#0");
}
