//! Patches of listeners, their network filters and their HTTP filters.

use serde_json::{Value, json};

use super::Patch;
use super::merge::merge_typed;

const MANAGER: &str = "envoy.filters.network.http_connection_manager";
/// Listeners that take what is for any port; a patch's port is their filter chains' then.
const VIRTUAL: &[&str] = &["virtualInbound", "virtualOutbound"];

/// Patches the listeners that are there, then adds new ones: those are not patched any more.
pub(super) fn patch(listeners: &mut Vec<Value>, patches: &[Patch]) {
    for listener in listeners.iter_mut() {
        let seen = json!({"name": listener["name"], "address": listener["address"]});
        let chains = listener
            .get_mut("filter_chains")
            .and_then(Value::as_array_mut);
        for chain in chains.into_iter().flatten() {
            patch_chain(&seen, chain, patches);
        }
        if let Some(chain) = listener.get_mut("default_filter_chain") {
            patch_chain(&seen, chain, patches);
        }
    }
    for patch in patches.iter().filter(|patch| patch.apply_to == "LISTENER") {
        match patch.operation.as_str() {
            "ADD" => listeners.push(patch.value.clone()),
            _ => patch.unknown(),
        }
    }
}

fn patch_chain(listener: &Value, chain: &mut Value, patches: &[Patch]) {
    let destination = chain
        .pointer("/filter_chain_match/destination_port")
        .cloned();
    let here = |patch: &&Patch| in_chain(listener, destination.as_ref(), patch);
    let of = |kind: &str| {
        let patches = patches.iter().filter(|patch| patch.apply_to == kind);
        patches.filter(here).collect::<Vec<_>>()
    };
    let filters = chain.get_mut("filters").and_then(Value::as_array_mut);
    for filter in filters.into_iter().flatten() {
        for patch in of("NETWORK_FILTER") {
            match patch.operation.as_str() {
                "MERGE" if is_filter(patch, filter) => {
                    merge_typed(
                        &mut filter["typed_config"],
                        patch.value["typed_config"].clone(),
                    );
                }
                "MERGE" => {}
                _ => patch.unknown(),
            }
        }
        if filter["name"] == MANAGER {
            for patch in of("HTTP_FILTER") {
                patch_http_filters(filter, patch);
            }
        }
    }
}

/// Whether a patch is for this filter chain.
fn in_chain(listener: &Value, destination: Option<&Value>, patch: &Patch) -> bool {
    let known = ["portNumber", "filterChain"];
    let says = patch.matched.get("listener").and_then(Value::as_object);
    let mut says = says.into_iter().flat_map(|says| says.keys());
    assert!(says.all(|key| known.contains(&key.as_str())), "{patch:?}");
    let is_virtual = VIRTUAL.iter().any(|name| listener["name"] == *name);
    let socket = listener.pointer("/address/socket_address/port_value");
    let port = if is_virtual { destination } else { socket };
    patch.is("/listener/portNumber", |wanted| Some(wanted) == port)
}

fn is_filter(patch: &Patch, filter: &Value) -> bool {
    patch.is("/listener/filterChain/filter/name", |name| {
        *name == filter["name"]
    })
}

/// An insertion goes before the first filter of the name that is matched, or nowhere.
fn patch_http_filters(manager: &mut Value, patch: &Patch) {
    if !is_filter(patch, manager) {
        return;
    }
    let named = "/listener/filterChain/filter/subFilter/name";
    let (operation, name) = (patch.operation.as_str(), patch.matched.pointer(named));
    let (("INSERT_BEFORE", Some(name)), Some(filters)) = (
        (operation, name),
        manager["typed_config"]["http_filters"].as_array_mut(),
    ) else {
        patch.unknown()
    };
    if let Some(place) = filters.iter().position(|filter| filter["name"] == *name) {
        filters.insert(place, patch.value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch_of(apply_to: &str, operation: &str, matched: Value, value: Value) -> Patch {
        let patch = json!({"operation": operation, "value": value});
        Patch::of(&json!({"applyTo": apply_to, "match": {"listener": matched}, "patch": patch}))
    }

    fn listener(name: &str, port: u16, filters: &[&str]) -> Value {
        let filters: Vec<_> = filters.iter().map(|name| json!({"name": name})).collect();
        let manager = json!({"@type": "hcm", "http_filters": filters, "access_log": ["theirs"]});
        json!({
            "name": name,
            "address": {"socket_address": {"port_value": port}},
            "filter_chains": [{"filters": [{"name": MANAGER, "typed_config": manager}]}],
            "default_filter_chain": {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": {}}]},
        })
    }

    fn manager(listener: &Value) -> &Value {
        listener
            .pointer("/filter_chains/0/filters/0/typed_config")
            .unwrap()
    }

    fn names(listener: &Value) -> Vec<&str> {
        let filters = manager(listener)["http_filters"].as_array().unwrap();
        filters
            .iter()
            .map(|filter| filter["name"].as_str().unwrap())
            .collect()
    }

    fn before_router(port: Option<u16>, name: &str) -> Patch {
        let mut matched =
            json!({"filterChain": {"filter": {"name": MANAGER, "subFilter": {"name": "router"}}}});
        if let Some(port) = port {
            matched["portNumber"] = json!(port);
        }
        patch_of(
            "HTTP_FILTER",
            "INSERT_BEFORE",
            matched,
            json!({"name": name}),
        )
    }

    #[test]
    fn filters_are_inserted_in_their_order_before_the_router_of_that_port() {
        let mut listeners = vec![
            listener("0.0.0.0_80", 80, &["cors", "router"]),
            listener("0.0.0.0_81", 81, &["cors", "router"]),
            listener("0.0.0.0_82", 82, &["cors"]),
        ];
        let patches = [
            before_router(Some(80), "a"),
            before_router(Some(80), "b"),
            before_router(None, "c"),
        ];
        patch(&mut listeners, &patches);
        assert_eq!(names(&listeners[0]), ["cors", "a", "b", "c", "router"]);
        assert_eq!(names(&listeners[1]), ["cors", "c", "router"]);
        assert_eq!(names(&listeners[2]), ["cors"]);
    }

    #[test]
    fn of_a_virtual_listener_the_chains_have_the_port() {
        let mut listeners = vec![listener("virtualOutbound", 15001, &["router"])];
        patch(&mut listeners, &[before_router(Some(15001), "a")]);
        assert_eq!(names(&listeners[0]), ["router"]);
        listeners[0]["filter_chains"][0]["filter_chain_match"] = json!({"destination_port": 80});
        patch(&mut listeners, &[before_router(Some(80), "a")]);
        assert_eq!(names(&listeners[0]), ["a", "router"]);
    }

    #[test]
    fn a_managers_lists_grow_and_other_filters_stay() {
        let mut listeners = vec![listener("0.0.0.0_80", 80, &["router"])];
        let value =
            json!({"name": MANAGER, "typed_config": {"@type": "hcm", "access_log": ["ours"]}});
        let matched = json!({"filterChain": {"filter": {"name": MANAGER}}});
        patch(
            &mut listeners,
            &[patch_of("NETWORK_FILTER", "MERGE", matched, value)],
        );
        assert_eq!(
            manager(&listeners[0])["access_log"],
            json!(["theirs", "ours"])
        );
        let default = listeners[0].pointer("/default_filter_chain/filters/0/typed_config");
        assert_eq!(*default.unwrap(), json!({}));
    }

    #[test]
    fn an_added_listener_is_not_patched() {
        let mut listeners = vec![];
        let added = listener("attempt", 0, &["router"]);
        let patches = [
            before_router(None, "a"),
            patch_of("LISTENER", "ADD", Value::Null, added.clone()),
        ];
        patch(&mut listeners, &patches);
        assert_eq!(listeners, [added]);
    }

    #[test]
    #[should_panic(expected = "HTTP_FILTER REPLACE is not known here")]
    fn what_is_not_known_is_refused() {
        let mut unknown = before_router(None, "a");
        unknown.operation = "REPLACE".to_owned();
        patch(
            &mut vec![listener("0.0.0.0_80", 80, &["router"])],
            &[unknown],
        );
    }
}
