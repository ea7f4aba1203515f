//! What key and gateway say beside the request.

use super::*;

#[test]
fn gateway_and_key_have_their_say() {
    let models = || {
        vec![
            model(
                "m",
                json!({}),
                vec![
                    endpoint("a", "1", json!({})),
                    endpoint("b", "2", json!({})),
                    endpoint("c", "3", json!({})),
                ],
            ),
            model("n", json!({}), vec![endpoint("a", "1", json!({}))]),
        ]
    };
    let case = |gateway: Value, mut key: Value| {
        key["name"] = json!("k");
        key["hash"] = json!("a".repeat(64));
        Case::new(models(), json!({"preferences": gateway, "keys": [key]}))
    };
    let cases = [
        (
            json!({"sort": "price", "ignore": ["a"]}),
            json!({}),
            json!({}),
            "m@b,m@c,n@a".replace(",n@a", ""),
        ),
        (
            json!({"sort": "price", "ignore": ["a"]}),
            json!({"preferences": {"ignore": ["b"]}}),
            json!({}),
            "m@c".to_owned(),
        ),
        (
            json!({"sort": "price", "only": ["a"]}),
            json!({}),
            json!({"only": ["c"]}),
            "m@a,m@c,n@a".to_owned(),
        ),
        (
            json!({"sort": "price"}),
            json!({"preferences": {"zdr": true}}),
            json!({"zdr": false}),
            "m@c".to_owned(),
        ),
        (
            json!({"sort": "price", "order": ["b"]}),
            json!({"preferences": {"order": ["c"]}}),
            json!({}),
            "m@c,m@a,m@b,n@a".to_owned(),
        ),
        (
            json!({"sort": "price"}),
            json!({"preferences": {"max_price": {"prompt": 2}}}),
            json!({"max_price": {"prompt": 9}}),
            "m@a,m@b,n@a".to_owned(),
        ),
        (
            json!({"sort": "price"}),
            json!({"allowed_models": ["n"]}),
            json!({}),
            "n@a".to_owned(),
        ),
        (
            json!({"sort": "price"}),
            json!({"allowed_models": []}),
            json!({}),
            String::new(),
        ),
        // A policy is no preference: a request cannot widen it.
        (
            json!({"sort": "price"}),
            json!({"allowed_providers": ["b"]}),
            json!({"only": ["a", "b"]}),
            "m@b".to_owned(),
        ),
    ];
    for (gateway, key, request, plan) in cases {
        let found =
            case(gateway.clone(), key.clone()).found(&["m", "n"], &json!({"preferences": request}));
        assert_eq!(found.plan, plan, "{gateway} {key} {request}");
    }
}

#[test]
fn a_discount_makes_an_endpoint_cheaper() {
    let mut reduced = endpoint("c", "3", json!({}));
    reduced["pricing"]["discount"] = json!("0.6");
    let endpoints = vec![
        endpoint("a", "1", json!({})),
        endpoint("b", "2", json!({})),
        reduced,
    ];
    let case = Case::new(vec![model("m", json!({}), endpoints)], json!({}));
    // Three dollars less six tenths are 1.20.
    for (preferences, plan) in [
        (json!({"sort": "price"}), "m@a,m@c,m@b"),
        (
            json!({"sort": "price", "max_price": {"prompt": 1.2}}),
            "m@a,m@c",
        ),
        (
            json!({"sort": "price", "max_price": {"prompt": 1.19}}),
            "m@a",
        ),
    ] {
        let found = case.found(&["m"], &json!({"preferences": preferences}));
        assert_eq!(found.plan, plan, "{preferences}");
    }
}

#[test]
fn a_policy_that_names_nobody_is_refused() {
    let error = |more: Value| {
        let mut document = json!({"providers": {"a": {"cluster": "c"}}, "models": [model("m", json!({}), vec![endpoint("a", "1", json!({}))])]});
        document
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let read = || Document::from_json(document.to_string().as_bytes()).unwrap();
        let catalog = Catalog::compile(read())?;
        Policies::compile(&read().keys, &read().preferences, &catalog).map(|_| ())
    };
    let key = |more: Value| {
        let mut key = json!({"name": "k", "hash": "a".repeat(64)});
        key.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"keys": [key]})
    };
    let cases = [
        (
            json!({"preferences": {"ignore": ["aa"]}}),
            "preferences.ignore[0]",
        ),
        (
            key(json!({"preferences": {"order": ["a/turbo", "x/turbo"]}})),
            "keys[0].preferences.order[1]",
        ),
        (
            key(json!({"allowed_models": ["m", "o"]})),
            "keys[0].allowed_models[1]",
        ),
        (
            key(json!({"allowed_providers": ["z"]})),
            "keys[0].allowed_providers[0]",
        ),
        (
            key(json!({"budgets": [{"model": "m", "limit": 1}, {"model": "z", "limit": 1}]})),
            "keys[0].budgets[1].model",
        ),
        (
            key(json!({"budgets": [{"model": "m", "limit": 1}, {"model": "m", "limit": 2}]})),
            "keys[0].budgets[1].model",
        ),
        (json!({"auto": {"models": []}}), "auto.models"),
        (
            json!({"auto": {"models": [{"id": "z", "quality": 1}]}}),
            "auto.models[0].id",
        ),
        (
            json!({"auto": {"models": [{"id": "m", "quality": 101}]}}),
            "auto.models[0]",
        ),
    ];
    for (more, path) in cases {
        assert_eq!(error(more.clone()).unwrap_err().path, path, "{more}");
    }
    assert!(
        error(key(
            json!({"preferences": {"only": ["A"]}, "allowed_models": ["m"]})
        ))
        .is_ok()
    );
}
