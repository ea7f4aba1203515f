//! Protobuf's merge, as istiod does it, on the JSON of messages whose fields have their proto names.
//!
//! Two things of it are not here, because no patch needs them: members of a `oneof` drop each other, and what is a field's default in a
//! patch (`false`, `0`) changes nothing.

use serde_json::Value;

/// The fields that are maps and no messages: a key of the patch replaces the whole entry.
const MAPS: &[&str] = &[
    "typed_extension_protocol_options",
    "typed_per_filter_config",
    "filter_metadata",
];

/// Merges a patch: messages field by field, lists one behind the other, entries of maps and anything typed as a whole.
pub(super) fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) if !patch.contains_key("@type") => {
            for (key, value) in patch {
                match into.get_mut(&key) {
                    Some(known) if MAPS.contains(&key.as_str()) => merge_map(known, value),
                    Some(known) => merge(known, value),
                    None => _ = into.insert(key, value),
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) => into.extend(patch),
        (into, patch) => *into = patch,
    }
}

fn merge_map(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => into.extend(patch),
        (into, patch) => *into = patch,
    }
}

/// Merges two typed configurations (`Any`) of one type, as istiod does for those of filters only.
///
/// # Panics
/// If they are of different types: istiod would leave the filter as it is.
pub(super) fn merge_typed(into: &mut Value, mut patch: Value) {
    assert_eq!(into["@type"], patch["@type"]);
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("@type");
    }
    merge(into, patch);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_merged_and_lists_appended() {
        let mut into = json!({"kept": 1, "scalar": 1, "message": {"list": [1], "kept": true}});
        merge(
            &mut into,
            json!({"scalar": 2, "message": {"list": [2, 3], "new": {}}}),
        );
        let message = json!({"list": [1, 2, 3], "kept": true, "new": {}});
        assert_eq!(into, json!({"kept": 1, "scalar": 2, "message": message}));
    }

    #[test]
    fn entries_of_maps_and_typed_values_are_replaced() {
        let mut into = json!({
            "typed_extension_protocol_options": {"http": {"auto_sni": true}, "other": 1},
            "typed_config": {"@type": "a", "list": [1]},
        });
        let patch = json!({
            "typed_extension_protocol_options": {"http": {"explicit": {}}},
            "typed_config": {"@type": "a", "list": [2]},
        });
        let wanted = json!({
            "typed_extension_protocol_options": {"http": {"explicit": {}}, "other": 1},
            "typed_config": {"@type": "a", "list": [2]},
        });
        merge(&mut into, patch);
        assert_eq!(into, wanted);
    }

    #[test]
    fn the_typed_configuration_of_a_filter_is_merged() {
        let mut into = json!({"@type": "a", "access_log": [1], "kept": true});
        merge_typed(&mut into, json!({"@type": "a", "access_log": [2]}));
        assert_eq!(
            into,
            json!({"@type": "a", "access_log": [1, 2], "kept": true})
        );
    }

    #[test]
    #[should_panic(expected = "assertion")]
    fn typed_configurations_of_two_types_are_refused() {
        merge_typed(&mut json!({"@type": "a"}), json!({"@type": "b"}));
    }
}
