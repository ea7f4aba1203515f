//! Patches of route configurations: their virtual hosts, and the routes of those.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Patch;
use super::merge::merge;

/// A gateway's own ports and those of its service that lead there.
pub(super) type Ports = BTreeMap<u64, Vec<u64>>;

/// Patches the virtual hosts that are there, with their routes, then adds new ones.
pub(super) fn patch(routes: &mut Value, patches: &[Patch], ports: &Ports) {
    let name = routes["name"].as_str().unwrap_or_default().to_owned();
    let of = |kind: &str| {
        let patches = patches.iter().filter(|patch| patch.apply_to == kind);
        let here = patches.filter(|patch| in_configuration(&name, patch, ports));
        here.collect::<Vec<_>>()
    };
    let Some(hosts) = routes["virtual_hosts"].as_array_mut() else {
        return;
    };
    for host in hosts.iter_mut() {
        for patch in of("VIRTUAL_HOST") {
            match patch.operation.as_str() {
                "MERGE" if is_host(patch, host) => merge(host, patch.value.clone()),
                "MERGE" | "ADD" => {}
                _ => patch.unknown(),
            }
        }
        for patch in of("HTTP_ROUTE") {
            let here = is_host(patch, host);
            match (patch.operation.as_str(), host["routes"].as_array_mut()) {
                ("INSERT_FIRST", Some(routes)) if here => routes.insert(0, patch.value.clone()),
                ("INSERT_FIRST", _) => {}
                _ => patch.unknown(),
            }
        }
    }
    let added = of("VIRTUAL_HOST")
        .into_iter()
        .filter(|patch| patch.operation == "ADD");
    hosts.extend(added.map(|patch| patch.value.clone()));
}

/// Whether a patch is for the configuration of this name: `80` in a sidecar, `http.8080` or `https.443.NAME.GATEWAY.NAMESPACE` in a gateway.
fn in_configuration(name: &str, patch: &Patch, ports: &Ports) -> bool {
    let port = name.split('.').find_map(|part| part.parse::<u64>().ok());
    let is_port = |wanted: &Value| {
        let wanted = wanted.as_u64();
        match port.and_then(|port| ports.get(&port)) {
            Some(of_service) => of_service.iter().any(|port| Some(*port) == wanted),
            None => port.is_some() && port == wanted,
        }
    };
    let known = ["portNumber", "vhost"];
    let says = patch
        .matched
        .get("routeConfiguration")
        .and_then(Value::as_object);
    let mut says = says.into_iter().flat_map(|says| says.keys());
    assert!(says.all(|key| known.contains(&key.as_str())), "{patch:?}");
    patch.is("/routeConfiguration/portNumber", is_port)
}

fn is_host(patch: &Patch, host: &Value) -> bool {
    patch.is("/routeConfiguration/vhost/name", |name| {
        *name == host["name"]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration(name: &str) -> Value {
        let host = |name: &str| json!({"name": name, "routes": [{"name": "theirs"}]});
        json!({"name": name, "virtual_hosts": [host("a"), host("b")]})
    }

    fn patched(name: &str, patches: &[Value]) -> Value {
        let mut routes = configuration(name);
        let ports = Ports::from([(8080, vec![80])]);
        let patches: Vec<_> = patches.iter().map(Patch::of).collect();
        patch(&mut routes, &patches, &ports);
        routes
    }

    fn of_port(port: u16) -> Value {
        let patch = json!({"operation": "ADD", "value": {"name": "new"}});
        let matched = json!({"routeConfiguration": {"portNumber": port}});
        json!({"applyTo": "VIRTUAL_HOST", "match": matched, "patch": patch})
    }

    #[test]
    fn a_port_is_the_services_and_else_the_one_of_the_name() {
        let wanted = [
            ("80", 80, true),
            ("8080", 8080, false),
            ("http.8080", 80, true),
            ("http.8080", 8080, false),
            ("https.443.https.public.ingress", 443, true),
            ("https.443.https.public.ingress", 8443, false),
            ("inbound|9080||", 9080, false),
        ];
        for (name, port, added) in wanted {
            let hosts = patched(name, &[of_port(port)])["virtual_hosts"].take();
            assert_eq!(hosts.as_array().unwrap().len() == 3, added, "{name} {port}");
        }
    }

    #[test]
    fn a_route_goes_first_and_members_are_merged_in_the_host_of_the_name_only() {
        let matched = json!({"routeConfiguration": {"vhost": {"name": "b"}}});
        let route = json!({"operation": "INSERT_FIRST", "value": {"name": "ours"}});
        let member = json!({"operation": "MERGE", "value": {"x": true}});
        let routes = patched(
            "80",
            &[
                json!({"applyTo": "HTTP_ROUTE", "match": matched, "patch": route}),
                json!({"applyTo": "VIRTUAL_HOST", "match": matched, "patch": member}),
            ],
        );
        let mut wanted = configuration("80");
        let both = json!([{"name": "ours"}, {"name": "theirs"}]);
        wanted["virtual_hosts"][1] = json!({"name": "b", "x": true, "routes": both});
        assert_eq!(routes, wanted);
    }
}
