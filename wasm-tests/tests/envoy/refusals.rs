//! The errors of the choice of endpoints: nobody is left, or the `provider` object is wrong.

use serde_json::json;

use crate::ask::Ask;
use crate::choosing::{CHOICE, choosing, constraints, explain};
use crate::gateway::error;

#[test]
fn where_nobody_is_left_a_404_says_which_constraint_took_out_whom() {
    let gateway = choosing();
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}});
    // What is asked for, beside the provider object; what the endpoints do not do; and the constraint of each.
    let cases = [
        (
            json!({}),
            json!({"only": ["openai"]}),
            "`provider.only` lists",
            ["only"; 4],
        ),
        (
            json!({}),
            json!({"ignore": ["alpha", "beta", "gamma"]}),
            "`provider.ignore` leaves",
            ["ignore"; 4],
        ),
        (
            json!({}),
            json!({"only": ["gamma"], "zdr": true}),
            "retain no data, as `provider.zdr` wants",
            ["only", "only", "only", "zdr"],
        ),
        (
            json!({}),
            json!({"ignore": ["alpha"], "data_collection": "deny", "max_price": {"prompt": 5}}),
            "cost no more than `provider.max_price`",
            ["ignore", "ignore", "data_collection", "max_price"],
        ),
        (
            json!({}),
            json!({"only": ["beta"], "data_collection": "deny"}),
            "do not collect data, as `provider.data_collection` wants",
            ["only", "only", "data_collection", "only"],
        ),
        (
            json!({}),
            json!({"enforce_distillable_text": true}),
            "allow their text to be distilled, as `provider.enforce_distillable_text` wants",
            ["enforce_distillable_text"; 4],
        ),
        (
            json!({}),
            json!({"quantizations": ["int4", "fp16"]}),
            "are quantized to one of: int4, fp16",
            ["quantizations"; 4],
        ),
        (
            json!({"top_k": 3, "seed": 7}),
            json!({"require_parameters": true}),
            "understand all of these, as `provider.require_parameters` wants: seed, top_k",
            ["require_parameters"; 4],
        ),
        (
            json!({}),
            json!({"order": ["gamma"], "ignore": ["gamma"], "allow_fallbacks": false}),
            "`provider.order` lists, and `provider.allow_fallbacks` is false",
            ["order", "order", "order", "ignore"],
        ),
        (
            json!({"model": format!("{CHOICE}:exacto")}),
            json!({}),
            "are curated, as `:exacto` wants",
            ["exacto"; 4],
        ),
        (
            json!({"tools": tools}),
            json!({"ignore": ["alpha"]}),
            "support tool use",
            ["ignore", "ignore", "tools", "tools"],
        ),
        (
            json!({"response_format": schema}),
            json!({"ignore": ["alpha"]}),
            "support structured outputs, as a `response_format` with a schema wants",
            [
                "ignore",
                "ignore",
                "structured_outputs",
                "structured_outputs",
            ],
        ),
        (
            json!({"max_tokens": 2_000}),
            json!({"zdr": true, "ignore": ["beta"]}),
            "write as many as 2000 tokens, as `max_tokens` wants",
            ["max_tokens", "zdr", "ignore", "zdr"],
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/y.png"}}]}]}),
            json!({}),
            "take all of this input: image",
            ["input_modalities"; 4],
        ),
        (
            json!({"modalities": ["text", "image"]}),
            json!({}),
            "give all of this output: text, image",
            ["output_modalities"; 4],
        ),
    ];
    for (members, provider, wants, wanted) in cases {
        let about = format!("{members} {provider}");
        let ask = Ask::with(json!({"model": CHOICE, "provider": provider})).and(members);
        let found = error(&gateway.send(&ask), 404);
        assert_eq!(
            found["message"],
            format!("No endpoints found for `{CHOICE}` that {wants}."),
            "{about}"
        );
        let endpoints = ["alpha", "alpha/turbo", "beta", "gamma"];
        let pairs = endpoints
            .iter()
            .zip(wanted)
            .map(|(endpoint, constraint)| format!("{endpoint} {constraint}"));
        let mut listed = constraints(&found);
        listed.sort();
        assert_eq!(listed, pairs.collect::<Vec<_>>(), "{about}");
        let reasons = found["metadata"]["reasons"].as_array().unwrap();
        let reason = json!(format!("It is none of those that {wants}."));
        assert!(
            reasons
                .iter()
                .any(|found| found["reason"] == reason && found["model"] == CHOICE),
            "{found}"
        );
        assert!(gateway.seen(&ask).is_empty());
        // An explanation tells the same.
        let explanation = explain(&gateway, &ask);
        assert_eq!(
            (&explanation["plan"], &explanation["excluded"]),
            (&json!([]), &json!(reasons)),
            "{about}"
        );
    }
    let ask = Ask::with(
        json!({"models": [CHOICE, "test/doors"], "provider": {"only": ["openai", "closed"]}}),
    );
    let wanted = format!(
        "No endpoints found for `{CHOICE}` that `provider.only` lists. No endpoints found for `test/doors` that \
         `provider.ignore` leaves."
    );
    assert_eq!(error(&gateway.send(&ask), 404)["message"], wanted);
}

#[test]
fn a_field_that_there_is_not_or_that_is_wrong_is_a_400_that_names_it() {
    let gateway = choosing();
    let cases = [
        (json!({"zrd": true}), ".zrd", "unknown field `zrd`"),
        (json!({"sort": "cheap"}), ".sort", "unknown variant `cheap`"),
        (
            json!({"sort": {"by": "price", "partition": "all"}}),
            ".sort.partition",
            "unknown variant `all`",
        ),
        (
            json!({"sort": {"partition": "none"}}),
            ".sort",
            "missing field `by`",
        ),
        (json!({"order": "alpha"}), ".order", "expected a sequence"),
        (
            json!({"only": ["alpha", 7]}),
            ".only[1]",
            "expected a string",
        ),
        (json!({"ignore": [null]}), ".ignore[0]", "expected a string"),
        (
            json!({"allow_fallbacks": "no"}),
            ".allow_fallbacks",
            "expected a boolean",
        ),
        (json!({"zdr": 1}), ".zdr", "expected a boolean"),
        (
            json!({"data_collection": "maybe"}),
            ".data_collection",
            "unknown variant `maybe`",
        ),
        (
            json!({"quantizations": ["fp8", "fp9"]}),
            ".quantizations[1]",
            "unknown variant `fp9`",
        ),
        (
            json!({"max_price": {"prompt": -1}}),
            ".max_price.prompt",
            "an amount in USD, zero or more",
        ),
        (
            json!({"max_price": {"prompt": "cheap"}}),
            ".max_price.prompt",
            "an amount in USD, zero or more",
        ),
        (
            json!({"max_price": {"token": 1}}),
            ".max_price.token",
            "unknown field `token`",
        ),
        (
            json!({"preferred_max_latency": "fast"}),
            ".preferred_max_latency",
            "a number, or an object",
        ),
        (json!("alpha"), "", "must be an object"),
        (json!(["alpha"]), "", "must be an object"),
    ];
    for (provider, path, message) in cases {
        let ask = Ask::with(json!({"model": CHOICE, "provider": provider}));
        let found = error(&gateway.send(&ask), 400);
        assert_eq!(
            found["metadata"]["field"],
            format!("provider{path}"),
            "{found}"
        );
        let said = found["message"].as_str().unwrap();
        assert!(said.contains(message), "{provider}: {said}");
        assert!(gateway.seen(&ask).is_empty());
    }
}
