//! Routes: what is tried again, for how long, and where attempts go.

use serde_json::{Value, json};

use super::{ATTEMPT, EDGE, HOST, at, edit_documents, finds, host, list, remove};

fn route() -> String {
    format!("{}/routes/0/route", host())
}

fn policy() -> String {
    format!("{}/retry_policy", route())
}

#[test]
fn what_failed_is_tried_again() {
    let on = format!("{HOST}.routes[0].route.retry_policy.retry_on");
    finds(
        "envoy",
        |file| at(file, &policy())["retry_on"] = json!("retriable-headers, connect-failure"),
        &[&format!("error: {on}: `reset` is missing")],
    );
    let headers = format!("error: {HOST}.routes[0].route.retry_policy.retriable_headers: ");
    finds(
        "fused",
        |file| at(file, &policy())["retriable_headers"][0]["invert_match"] = json!(false),
        &[&headers],
    );
    finds(
        "envoy",
        |file| remove(file, &route(), "retry_policy"),
        &[
            &format!("error: {on}: `retriable-headers` is missing"),
            &format!("error: {on}: `reset` is missing"),
            &format!("error: {on}: `connect-failure` is missing"),
            &headers,
        ],
    );
    finds(
        "envoy",
        |file| {
            let policy = at(file, &policy()).take();
            remove(file, &route(), "retry_policy");
            at(file, &host())["retry_policy"] = policy;
        },
        &[],
    );
    finds(
        "envoy",
        |file| remove(file, &host(), "include_request_attempt_count"),
        &[&format!("error: {HOST}.include_request_attempt_count: ")],
    );
}

#[test]
fn envoys_own_time_is_off() {
    let timeout = format!("{HOST}.routes[0].route.timeout");
    finds(
        "native",
        |file| remove(file, &route(), "timeout"),
        &[&format!("error: {timeout}: by default")],
    );
    finds(
        "envoy",
        |file| at(file, &route())["timeout"] = json!("600s"),
        &[&format!(
            "warning: {timeout}: Envoy ends a request after 600s"
        )],
    );
    finds(
        "envoy",
        |file| {
            remove(file, &route(), "hedge_policy");
            edit_documents(file, &|document| document["hedge_after_ms"] = json!(100));
        },
        &[&format!(
            "error: {HOST}.routes[0].route.hedge_policy.hedge_on_per_try_timeout: "
        )],
    );
    finds("envoy", |file| remove(file, &route(), "hedge_policy"), &[]);
}

#[test]
fn attempts_find_their_way() {
    let attempt = "static_resources.listeners[1].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]";
    finds(
        "envoy",
        |file| {
            remove(
                file,
                &format!("{ATTEMPT}/route_config/virtual_hosts/0/routes/0/route"),
                "cluster_header",
            )
        },
        &[&format!("error: {attempt}.route.cluster_header: ")],
    );
    finds(
        "envoy",
        |file| at(file, &route())["cluster"] = json!("alpha"),
        &[
            "error: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config: no route leads",
        ],
    );
    finds(
        "envoy",
        |file| {
            let routes = format!("{}/routes", host());
            list(file, &routes).insert(
                0,
                json!({"match": {"path": "/up"}, "direct_response": {"status": 200}}),
            );
        },
        &[],
    );
    finds(
        "envoy",
        |file| {
            remove(file, EDGE, "route_config");
            at(file, EDGE)["rds"] = json!({});
        },
        &[
            "warning: static_resources.listeners[0].filter_chains[0].filters[0].typed_config: the routes do not stand in this file",
        ],
    );
}

#[test]
fn the_native_route_goes_by_the_plan() {
    let filters =
        "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters";
    let metadata = format!("error: {filters}: no filter behind `select` makes the metadata");
    finds(
        "native",
        |file| drop(list(file, &format!("{EDGE}/http_filters")).remove(5)),
        &[&metadata],
    );
    finds(
        "native",
        |file| {
            let filters = list(file, &format!("{EDGE}/http_filters"));
            let metadata = filters.remove(5);
            filters.insert(0, metadata);
        },
        &[&metadata],
    );
    finds(
        "native-fused",
        |file| drop(list(file, &format!("{EDGE}/http_filters")).remove(2)),
        &[&format!(
            "error: {filters}: no filter behind `select` has the route found anew"
        )],
    );
    let policy_path = format!("error: {HOST}.routes[0].route.retry_policy");
    finds(
        "native",
        |file| remove(file, &policy(), "refresh_cluster_on_retry"),
        &[&format!("{policy_path}.refresh_cluster_on_retry: ")],
    );
    finds(
        "native",
        |file| remove(file, &policy(), "per_try_timeout"),
        &[&format!("{policy_path}.per_try_timeout: ")],
    );
}

#[test]
fn no_filter_is_off_on_the_way_to_attempts() {
    let route = format!("{HOST}.routes[0]: ");
    let filters = format!("{EDGE}/http_filters");
    let setting =
        json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}});
    let disable = |file: &mut Value, count: usize| {
        for filter in list(file, &filters).iter_mut().take(count) {
            filter["disabled"] = json!(true);
        }
    };
    finds(
        "envoy",
        |file| disable(file, 1),
        &[&format!("error: {route}auth is off")],
    );
    let wanted = format!("error: {route}normalize, select are off");
    finds(
        "envoy",
        |file| {
            disable(file, 3);
            at(file, &host())["typed_per_filter_config"] = json!({"auth": setting});
        },
        &[&wanted],
    );
    // What stands at the route comes before what stands at its host.
    let off = json!({"@type": setting["@type"], "disabled": true});
    finds(
        "fused",
        |file| {
            at(file, &host())["typed_per_filter_config"] = json!({"edge": setting});
            at(file, &format!("{}/routes/0", host()))["typed_per_filter_config"] =
                json!({"edge": off});
        },
        &[&format!("error: {route}edge is off")],
    );
    finds(
        "fused",
        |file| {
            disable(file, 1);
            at(file, &host())["typed_per_filter_config"] = json!({"edge": setting});
        },
        &[],
    );
    let listener = "error: static_resources.listeners[2].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]: leads to attempts";
    finds(
        "envoy",
        |file| {
            let listeners = list(file, "/static_resources/listeners");
            let mut other = listeners[0].clone();
            other["name"] = json!("other");
            let filters = other
                .pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters")
                .unwrap();
            filters.as_array_mut().unwrap().drain(..5);
            listeners.push(other);
        },
        &[listener],
    );
}
