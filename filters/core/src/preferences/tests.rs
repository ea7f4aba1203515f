use super::*;

fn read(json: &str) -> Preferences {
    Preferences::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error:?}"))
}

#[test]
fn every_documented_field_is_read_and_survives_the_way_between_filters() {
    let cases = [
        "{}",
        r#"{"order": ["a", "b/turbo"], "only": [], "ignore": ["c"], "allow_fallbacks": false}"#,
        r#"{"require_parameters": true, "data_collection": "deny", "zdr": true, "enforce_distillable_text": true}"#,
        r#"{"quantizations": ["int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown"]}"#,
        r#"{"sort": "price"}"#,
        r#"{"sort": {"by": "latency", "partition": "none"}, "preferred_min_throughput": 50}"#,
        r#"{"max_price": {"prompt": 1, "completion": 2.5, "request": 0, "image": "0.01"}}"#,
        r#"{"preferred_max_latency": {"p50": 0.5, "p90": 3}}"#,
        r#"{"order": null, "sort": null, "zdr": null, "max_price": null, "preferred_max_latency": null}"#,
    ];
    for json in cases {
        let preferences = read(json);
        let carried = serde_json::to_vec(&preferences).unwrap();
        assert_eq!(Preferences::from_json(&carried), Ok(preferences), "{json}");
    }
    assert_eq!(
        read(r#"{"sort": "latency"}"#).sort,
        Some(By::Latency.into())
    );
    let price = read(r#"{"max_price": {"prompt": "0.15", "image": 2e-3}}"#);
    let price = price.max_price.unwrap();
    assert_eq!(price.prompt.unwrap().pico(), 150_000_000_000);
    assert_eq!(price.image.unwrap().pico(), 2_000_000_000);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (r#"{"zrd": true}"#, "zrd", "unknown field `zrd`"),
        (r#"{"order": "a"}"#, "order", "invalid type: string \"a\""),
        (r#"{"only": [1]}"#, "only[0]", "invalid type: integer `1`"),
        (r#"{"sort": "cheap"}"#, "sort", "unknown variant `cheap`"),
        (
            r#"{"sort": {"partition": "none"}}"#,
            "sort",
            "missing field `by`",
        ),
        (r#"{"sort": 1}"#, "sort", "expected `price`, `throughput`"),
        (
            r#"{"quantizations": ["int3"]}"#,
            "quantizations[0]",
            "unknown variant `int3`",
        ),
        (
            r#"{"data_collection": "no"}"#,
            "data_collection",
            "expected `allow` or `deny`",
        ),
        (
            r#"{"max_price": {"prompt": -1}}"#,
            "max_price.prompt",
            "zero or more",
        ),
        (
            r#"{"max_price": {"prompt": "x"}}"#,
            "max_price.prompt",
            "zero or more",
        ),
        (
            r#"{"preferred_max_latency": {"p42": 1}}"#,
            "preferred_max_latency.p42",
            "unknown field",
        ),
    ];
    for (json, path, message) in cases {
        let (found, why) = Preferences::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(found, path, "{json}");
        assert!(why.contains(message), "{json}: {why}");
    }
}

#[test]
fn levels_merge_as_documented() {
    let cases = [
        // What the narrower level says counts; what it does not say comes from the wider one.
        (
            r#"{"sort": "price"}"#,
            r#"{"sort": "latency", "order": ["a"]}"#,
            r#"{"sort": "price", "order": ["a"]}"#,
        ),
        (
            r#"{"order": ["b"], "allow_fallbacks": true}"#,
            r#"{"order": ["a"], "allow_fallbacks": false}"#,
            r#"{"order": ["b"], "allow_fallbacks": true}"#,
        ),
        (
            r#"{"require_parameters": false, "quantizations": ["fp8"]}"#,
            r#"{"require_parameters": true, "quantizations": ["int4"]}"#,
            r#"{"require_parameters": false, "quantizations": ["fp8"]}"#,
        ),
        // Lists of who may and who may not merge.
        (
            r#"{"only": ["a"], "ignore": ["x"]}"#,
            r#"{"only": ["b", "a"], "ignore": ["y"]}"#,
            r#"{"only": ["a", "b"], "ignore": ["x", "y"]}"#,
        ),
        (
            r#"{}"#,
            r#"{"only": ["b"], "ignore": ["y"]}"#,
            r#"{"only": ["b"], "ignore": ["y"]}"#,
        ),
        // Privacy holds if any level wants it.
        (r#"{"zdr": false}"#, r#"{"zdr": true}"#, r#"{"zdr": true}"#),
        (r#"{"zdr": true}"#, r#"{"zdr": false}"#, r#"{"zdr": true}"#),
        (
            r#"{"data_collection": "allow"}"#,
            r#"{"data_collection": "deny"}"#,
            r#"{"data_collection": "deny"}"#,
        ),
        (
            r#"{"data_collection": "deny"}"#,
            r#"{"data_collection": "allow"}"#,
            r#"{"data_collection": "deny"}"#,
        ),
        (
            r#"{"enforce_distillable_text": false}"#,
            r#"{"enforce_distillable_text": true}"#,
            r#"{"enforce_distillable_text": true}"#,
        ),
        // Of two prices the lower.
        (
            r#"{"max_price": {"prompt": 2, "image": 1}}"#,
            r#"{"max_price": {"prompt": 1, "completion": 3}}"#,
            r#"{"max_price": {"prompt": 1, "completion": 3, "image": 1}}"#,
        ),
        (
            r#"{"preferred_min_throughput": 5}"#,
            r#"{"preferred_min_throughput": 9, "preferred_max_latency": 1}"#,
            r#"{"preferred_min_throughput": 5, "preferred_max_latency": 1}"#,
        ),
    ];
    for (own, wider, merged) in cases {
        assert_eq!(
            read(own).over(&read(wider)),
            read(merged),
            "{own} over {wider}"
        );
    }
}
