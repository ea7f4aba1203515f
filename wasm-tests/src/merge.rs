//! A fragment merged into a configuration, by the rule at the head of `envoy/existing-listener.yaml`.

use serde_json::Value;

/// Merges a fragment: maps key by key, items of lists by their `name`; new items are added, other values replaced.
pub fn merge(into: &mut Value, fragment: Value) {
    match (into, fragment) {
        (Value::Object(into), Value::Object(fragment)) => {
            for (key, value) in fragment {
                match into.get_mut(&key) {
                    Some(known) => merge_member(&key, known, value),
                    None => _ = into.insert(key, value),
                }
            }
        }
        (into, fragment) => *into = fragment,
    }
}

fn merge_member(key: &str, into: &mut Value, fragment: Value) {
    match (into, fragment) {
        (Value::Array(into), Value::Array(fragment)) => merge_items(key, into, fragment),
        (into, fragment) => merge(into, fragment),
    }
}

fn merge_items(key: &str, into: &mut Vec<Value>, fragment: Vec<Value>) {
    let mut added = Vec::new();
    for (place, item) in fragment.into_iter().enumerate() {
        match counterpart(key, into, place, &item) {
            Some(known) => merge(known, item),
            None => added.push(item),
        }
    }
    let place = place_of_new(key, into.len());
    into.splice(place..place, added);
}

/// The item that a fragment's item of this place is merged into.
fn counterpart<'a>(
    key: &str,
    into: &'a mut [Value],
    place: usize,
    item: &Value,
) -> Option<&'a mut Value> {
    if key == "filter_chains" {
        return into.get_mut(place);
    }
    let name = item.get("name")?;
    into.iter_mut()
        .find(|known| known.get("name") == Some(name))
}

/// Where new items go in a list of this length.
fn place_of_new(key: &str, length: usize) -> usize {
    match key {
        // The first that matches counts.
        "routes" => 0,
        // The router has to be the last.
        "http_filters" => length.saturating_sub(1),
        _ => length,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut into: Value, fragment: Value) -> Value {
        merge(&mut into, fragment);
        into
    }

    #[test]
    fn maps_are_merged_and_other_values_replaced() {
        let into = json!({"kept": 1, "replaced": 2, "map": {"kept": 3}});
        let fragment = json!({"replaced": "two", "map": {"new": {"a": [4]}}, "new": null});
        let wanted = json!({
            "kept": 1, "replaced": "two", "map": {"kept": 3, "new": {"a": [4]}}, "new": null
        });
        assert_eq!(merged(into, fragment), wanted);
    }

    #[test]
    fn items_of_one_name_are_merged_and_others_added_at_the_end() {
        let into = json!({"clusters": [{"name": "a", "x": 1}, {"name": "b"}], "tags": [{"t": 1}]});
        let fragment =
            json!({"clusters": [{"name": "c"}, {"name": "a", "y": 2}], "tags": [{"t": 2}]});
        let wanted = json!({
            "clusters": [{"name": "a", "x": 1, "y": 2}, {"name": "b"}, {"name": "c"}],
            "tags": [{"t": 1}, {"t": 2}]
        });
        assert_eq!(merged(into, fragment), wanted);
    }

    #[test]
    fn routes_go_first_filters_before_the_router_and_chains_by_place() {
        let into = json!({"filter_chains": [
            {"http_filters": [{"name": "cors"}, {"name": "router"}], "routes": [{"match": "/"}]},
            {"kept": true},
        ]});
        let fragment = json!({"filter_chains": [
            {"http_filters": [{"name": "auth"}, {"name": "usage"}], "routes": [{"name": "llm"}]},
        ]});
        let filters =
            json!([{"name": "cors"}, {"name": "auth"}, {"name": "usage"}, {"name": "router"}]);
        let routes = json!([{"name": "llm"}, {"match": "/"}]);
        let wanted = json!({"filter_chains": [
            {"http_filters": filters, "routes": routes}, {"kept": true},
        ]});
        assert_eq!(merged(into, fragment), wanted);
    }
}
