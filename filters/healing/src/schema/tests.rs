use super::*;
use crate::repair::{Repair, repair_to};
use serde_json::{Value, json};

fn strictly(schema: &Value, strict: bool) -> Schema {
    Schema::parse(&schema.to_string(), strict).unwrap()
}

fn compiled(schema: &Value) -> Schema {
    strictly(schema, false)
}

/// What becomes of a text: `=` for what passes as it is, `!` for what is hopeless.
fn healed(text: &str, schema: &Schema) -> String {
    match repair_to(text, schema) {
        Repair::Valid => "=".to_owned(),
        Repair::Hopeless => "!".to_owned(),
        Repair::Repaired { json, .. } => {
            assert_eq!(
                repair_to(&json, schema),
                Repair::Valid,
                "{text} became {json}"
            );
            json
        }
    }
}

#[track_caller]
fn check(schema: Value, cases: &[(&str, &str)]) {
    let schema = compiled(&schema);
    for (text, expected) in cases {
        assert_eq!(healed(text, &schema), *expected, "{text}");
    }
}

#[test]
fn scalars_are_retyped_where_nothing_is_lost() {
    let of = |kind: &str| json!({"type": kind});
    check(
        of("integer"),
        &[
            ("30", "="),
            (r#""30""#, "30"),
            (r#"" -7 ""#, "-7"),
            (r#""0x1F""#, "31"),
            ("3.0", "3"),
            ("1e3", "1000"),
            ("12345678901234567890.00", "12345678901234567890"),
            ("1e300", "!"),
            ("3.5", "!"),
            (r#""3 apples""#, "!"),
            ("true", "!"),
            ("null", "!"),
            ("[5]", "5"),
        ],
    );
    check(
        of("number"),
        &[
            ("3.50", "="),
            (r#""3.50""#, "3.50"),
            (r#""+.5""#, "0.5"),
            (r#""""#, "!"),
        ],
    );
    check(
        of("boolean"),
        &[
            ("true", "="),
            (r#""True""#, "true"),
            ("1", "!"),
            (r#""yes""#, "!"),
        ],
    );
    check(
        of("string"),
        &[
            ("30", r#""30""#),
            ("1.50", r#""1.50""#),
            ("false", r#""false""#),
            ("null", "!"),
            ("{}", "!"),
        ],
    );
    check(
        of("null"),
        &[("null", "="), (r#""null""#, "null"), ("0", "!")],
    );
    check(
        json!({"type": ["string", "null"]}),
        &[("null", "="), (r#""null""#, "="), ("1", r#""1""#)],
    );
    check(json!({"type": "something"}), &[("1", "="), ("{}", "=")]);
}

#[test]
fn words_of_other_languages_follow_the_schema() {
    let schema = json!({"type": "object", "properties": {
        "zip": {"type": "string"}, "name": {"type": "string"}, "x": {"type": ["number", "null"]}}});
    check(
        schema,
        &[
            (
                "{zip: 02134, name: NaN, x: NaN}",
                r#"{"zip": "02134", "name": "NaN", "x": null}"#,
            ),
            ("{'name': None, 'x': +1}", r#"{"name": "None", "x": 1}"#),
        ],
    );
}

#[test]
fn listed_values_are_found_in_any_spelling() {
    let schema = json!({"enum": ["Active", "in progress", 1, true, null]});
    check(
        schema,
        &[
            (r#""Active""#, "="),
            (r#""active""#, r#""Active""#),
            (r#"" IN  Progress\n""#, r#""in progress""#),
            (r#""1""#, "1"),
            (r#""TRUE""#, "true"),
            (r#""gone""#, "!"),
            ("1.0", "="),
        ],
    );
    check(
        json!({"enum": ["A", "a"]}),
        &[(r#""a""#, "="), (r#"" A""#, "!")],
    );
    check(json!({"const": "x"}), &[(r#""X""#, r#""x""#)]);
    check(
        json!({"enum": [{"a": 1}, [2]]}),
        &[(r#"{"a": 1}"#, "="), (r#"{"a": 2}"#, "!"), ("[2]", "=")],
    );
}

#[test]
fn one_stands_for_many_and_back() {
    let item =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    check(
        json!({"type": "array", "items": item}),
        &[
            (r#"[{"n": 1}]"#, "="),
            (r#"{"n": 1}"#, r#"[{"n": 1}]"#),
            (r#"{"n": "1"}"#, r#"[{"n": 1}]"#),
            ("{\"n\": 1}\n{\"n\": 2}", r#"[{"n": 1}, {"n": 2}]"#),
            (r#"{"n": 1}, {"n": "2",}"#, r#"[{"n": 1}, {"n": 2}]"#),
            ("3", "!"),
            ("null", "!"),
        ],
    );
    check(
        item,
        &[
            (r#"[{"n": 1}]"#, r#"{"n": 1}"#),
            (r#"[ {"n": 1} ]"#, r#"{"n": 1}"#),
            (r#"[{"n": 1}, {"n": 2}]"#, "!"),
            ("[]", "!"),
            (r#"[[{"n": 1}]]"#, "!"),
        ],
    );
    let tags = json!({"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}});
    check(
        tags,
        &[
            (r#"{"tags": "a"}"#, r#"{"tags": ["a"]}"#),
            (r#"{"tags": 1}"#, r#"{"tags": ["1"]}"#),
            (r#"{"tags": "[\"a\", 2]"}"#, r#"{"tags": ["a", "2"]}"#),
            (r#"{"tags": null}"#, "{}"),
        ],
    );
}

#[test]
fn members_are_left_out_but_never_made_up() {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["a"],
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": ["null", "string"]}}});
    check(
        schema,
        &[
            (r#"{"a": 1, "c": null}"#, "="),
            (r#"{"a": 1, "b": null}"#, r#"{"a": 1}"#),
            (r#"{"b": null, "a": 1}"#, r#"{ "a": 1}"#),
            (r#"{"x": 1, "y": [2], "a": 1, "z": {}}"#, r#"{ "a": 1}"#),
            (r#"{"x": 1, "a": "1"}"#, r#"{ "a": 1}"#),
            (r#"{"b": "x"}"#, "!"),
            (r#"{"a": null}"#, "!"),
            (r#"{"a": 1, "b": []}"#, "!"),
            (r#"{"a": 1"#, r#"{"a": 1}"#),
            (r#"{"b": "x""#, "!"),
        ],
    );
    let open = json!({"type": "object", "properties": {"a": {}}});
    assert_eq!(healed(r#"{"a": 1, "x": 2}"#, &strictly(&open, false)), "=");
    assert_eq!(
        healed(r#"{"a": 1, "x": 2}"#, &strictly(&open, true)),
        r#"{"a": 1}"#
    );
    check(
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        &[(r#"{"a": "1"}"#, r#"{"a": 1}"#)],
    );
}

#[test]
fn unions_take_what_fits_best() {
    let schema = json!({"type": "object", "properties": {"v": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}}});
    check(
        schema,
        &[
            (r#"{"v": "1"}"#, "="),
            (r#"{"v": null}"#, "="),
            (r#"{"v": true}"#, r#"{"v": "true"}"#),
            (r#"{"v": []}"#, "!"),
        ],
    );
    let shapes = json!({"oneOf": [
        {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind", "r"], "additionalProperties": false},
        {"type": "object", "properties": {"kind": {"const": "square"}, "side": {"type": "number"}}, "required": ["kind", "side"], "additionalProperties": false}]});
    check(
        shapes,
        &[
            (
                r#"{"kind": "Square", "side": "2"}"#,
                r#"{"kind": "square", "side": 2}"#,
            ),
            (r#"{"kind": "circle", "side": 2}"#, "!"),
        ],
    );
    let either = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}]});
    check(either, &[(r#"{"b": "1"}"#, r#"{"b": 1}"#), ("{}", "!")]);
    let both = json!({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"required": ["b"], "properties": {"b": {"type": "string"}}}]});
    check(
        both,
        &[
            (r#"{"a": "1", "b": 2}"#, r#"{"a": 1, "b": "2"}"#),
            (r#"{"a": 1}"#, "!"),
        ],
    );
}

#[test]
fn references_and_recursion() {
    let tree = json!({"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer"}, "of": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}}});
    check(
        tree,
        &[
            (
                r#"{"n": "1", "of": [{"n": 2, "of": {"n": "3"}}]}"#,
                r#"{"n": 1, "of": [{"n": 2, "of": [{"n": 3}]}]}"#,
            ),
            (r#"{"n": 1, "of": [{"of": []}]}"#, "!"),
        ],
    );
    for endless in [
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"type": "array", "items": {"$ref": "#"}}),
        json!({"$ref": "#/nowhere"}),
    ] {
        let schema = compiled(&endless);
        for text in ["[]", "[[[1]]]", "1", "{\"a\": [1,]}", r#""[[[]]]""#] {
            let _ = healed(text, &schema);
        }
    }
}

#[test]
fn the_candidate_that_fits_is_the_answer() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"]});
    check(
        schema,
        &[
            (
                r#"First {"steps": ["think", "a", "lot"]}, then {"name": "Eve", "age": 40}."#,
                r#"{"name": "Eve", "age": 40}"#,
            ),
            (
                "```json\n{\"type\": \"object\", \"properties\": {}}\n```\nso: {\"name\": \"Eve\", \"age\": \"40\"}",
                r#"{"name": "Eve", "age": 40}"#,
            ),
            (
                r#"[1] {name: Eve, age: 40}"#,
                r#"{"name": "Eve", "age": 40}"#,
            ),
            (r#"{"name": "Eve"} and {"age": 40}"#, "!"),
        ],
    );
    check(
        json!({"type": "object"}),
        &[("[1, 2, 3, 4, 5, 6] or {\"a\": 1}", r#"{"a": 1}"#)],
    );
}

/// Unions in unions, each of which could be read again for each of the others.
#[test]
fn hostile_schemas_cost_linear_time() {
    let mut schema = json!({"type": "integer"});
    for _ in 0..40 {
        schema = json!({"anyOf": [{"type": "array", "items": schema}, {"type": "array", "items": schema.clone()}]});
        if schema.to_string().len() > 60_000 {
            break;
        }
    }
    let recursive = json!({"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "items": {"$ref": "#"}}]});
    for schema in [schema, recursive] {
        let schema = compiled(&schema);
        let text = format!("{}\"x\"{}", "[".repeat(100), "]".repeat(100));
        let text = format!("[{}]", vec![text; 200].join(","));
        let start = std::time::Instant::now();
        let _ = schema.fit(&text, &Words::default());
        assert!(start.elapsed() < std::time::Duration::from_secs(2));
    }
}
