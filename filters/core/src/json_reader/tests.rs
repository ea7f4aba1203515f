//! The reader against serde_json's own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::*;

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    T::deserialize(&mut Reader::new(json.as_bytes())).map_err(|error| error.to_string())
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    #[serde(default)]
    small: u8,
    below: Option<i64>,
    share: Option<f64>,
    text: Option<String>,
    flag: Option<bool>,
    kind: Option<Kind>,
    #[serde(default)]
    list: Vec<Thing>,
    #[serde(default)]
    by_kind: BTreeMap<Kind, Thing>,
    any: Option<Value>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Round,
    Square,
}

#[test]
fn what_is_good_is_read_as_by_serde_json() {
    let cases = [
        "{}",
        " {\n} ",
        r#"{"small": 255, "below": -7, "share": 1, "flag": true, "text": "caf\u00e9 \"\\\ud83d\ude00"}"#,
        r#"{"share":-0.5e3,"below":null,"text":null,"flag":false,"kind":"square"}"#,
        r#"{ "list" : [ { } , {"list":[{"small":1}]} ] , "by_kind" : {"round": {}, "square": {"small": 2}} }"#,
        r#"{"any": {"a": [1, -2, 3.5, "x", null, true, {}, []], "b": "}]\\"}, "small": 3}"#,
    ];
    for json in cases {
        let theirs: Thing = serde_json::from_str(json).unwrap();
        assert_eq!(read::<Thing>(json), Ok(theirs), "{json}");
        let mut reader = Reader::new(json.as_bytes());
        IgnoredAny::deserialize(&mut reader).unwrap();
        assert_eq!(reader.at(), json.trim_end().len(), "{json}");
    }
}

#[test]
fn what_is_wrong_is_said_as_by_serde_json() {
    let cases = [
        "7",
        r#"{"small": 256}"#,
        r#"{"small": -1}"#,
        r#"{"small": 1.5}"#,
        r#"{"small": null}"#,
        r#"{"small": "x"}"#,
        r#"{"small": ""}"#,
        r#"{"text": {}}"#,
        r#"{"text": [1]}"#,
        r#"{"flag": 0}"#,
        r#"{"list": {"a": 1}}"#,
        r#"{"list": [{}, 3]}"#,
        r#"{"kind": "flat"}"#,
        r#"{"by_kind": {"flat": {}}}"#,
        r#"{"by_kind": true}"#,
        r#"{"odd": 1}"#,
        r#"{"small": 1, "small": 2}"#,
    ];
    for json in cases {
        let theirs = serde_json::from_str::<Thing>(json).unwrap_err().to_string();
        let theirs = theirs.split(" at line ").next().unwrap();
        assert_eq!(read::<Thing>(json).unwrap_err(), theirs, "{json}");
    }
}

#[test]
fn a_number_may_be_a_text_as_envoy_makes_one_of_yaml() {
    for (text, number) in [
        (r#"{"share": "0.25"}"#, r#"{"share": 0.25}"#),
        (
            r#"{"small": "7", "below": "-3000000000"}"#,
            r#"{"small": 7, "below": -3000000000}"#,
        ),
        (r#"{"any": "0.25"}"#, r#"{"any": "0.25"}"#),
    ] {
        assert_eq!(read::<Thing>(text), read::<Thing>(number), "{text}");
    }
    let error = read::<Thing>(r#"{"small": "256"}"#).unwrap_err();
    assert_eq!(error, "invalid value: integer `256`, expected u8");
}

#[test]
fn an_array_is_no_object() {
    let error = read::<Thing>("[1]").unwrap_err();
    assert_eq!(error, "invalid type: sequence, expected struct Thing");
    let error = read::<Thing>(r#"{"kind": {"round": null}}"#).unwrap_err();
    assert_eq!(error, "invalid type: map, expected enum Kind");
}

#[test]
fn what_is_no_text_and_no_number_is_found() {
    let cases: [&[u8]; 3] = [
        b"{\"text\": \"\xff\"}",
        br#"{"text": "\ud800"}"#,
        br#"{"share": 1e999}"#,
    ];
    for json in cases {
        assert!(Thing::deserialize(&mut Reader::new(json)).is_err());
    }
}
