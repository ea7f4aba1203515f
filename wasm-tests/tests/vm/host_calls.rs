//! Single host calls, as the SDK makes them.

use std::time::Duration;

use meshrouter_core::account::Account;
use meshrouter_wasm_tests::shipped::{Shipped, struct_bytes};
use meshrouter_wasm_tests::vm::{Chain, Error, World};

use crate::{post, probe, probes, said, start};

#[test]
fn a_refused_configuration_is_an_error_with_the_logs() {
    let world = World::new();
    let result = start(
        &world,
        &[("a", "configure say bad things\nconfigure reject")],
    );
    let Err(Error::Rejected {
        filter,
        callback,
        logs,
    }) = result
    else {
        panic!("accepted")
    };
    assert_eq!(
        (filter.as_str(), callback.as_str()),
        ("a", "proxy_on_configure")
    );
    assert_eq!(logs, ["bad things"]);
}

#[test]
fn a_property_is_seen_by_later_filters_and_in_the_log_but_not_by_another_stream() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "request_headers prop facts 42\nlog prop late 7"),
            (
                "b",
                "request_headers show facts\nlog show facts\nlog show late",
            ),
        ],
    );
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    s.finish().unwrap();
    assert_eq!(said(&world, "b"), ["facts = 42", "facts = 42", "late = 7"]);
    assert_eq!(s.property(&["facts"]), Some(&b"42"[..]));
    assert_eq!(chain.stream().property(&["facts"]), None);
}

#[test]
fn attributes_come_from_the_host_or_from_the_test() {
    let world = World::new();
    let show = "request_headers show request.path\nrequest_headers show request.headers.x-in\nrequest_headers show \
                plugin_name\nrequest_headers show request.id\nlog show response.code_details\nrequest_headers show nothing.here";
    let mut chain = probes(&world, &[("a", show)]);
    let mut s = chain.stream();
    s.set_property(&["request", "id"], "abc");
    s.request_headers(post(), true).unwrap();
    s.response_headers([(":status", "200")], true).unwrap();
    s.finish().unwrap();
    let expected = [
        "request.path = /v1?x=1",
        "request.headers.x-in = in",
        "plugin_name = a",
        "request.id = abc",
        "nothing.here = none",
        "response.code_details = via_upstream",
    ];
    assert_eq!(said(&world, "a"), expected);
}

#[test]
fn shared_data_is_counted_exactly_by_several_workers() {
    let world = World::new();
    let plugin = probe("a", "request_headers count hits");
    let worker = || {
        let mut chain = Chain::new(&world, std::slice::from_ref(&plugin)).unwrap();
        for _ in 0..50 {
            chain.stream().request_headers(post(), true).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(worker);
        }
    });
    assert_eq!(world.shared("meshrouter", "hits").unwrap().0, b"200");
}

#[test]
fn metrics_time_and_foreign_functions() {
    let world = World::new();
    world.register_foreign("shout", |_| Ok(b"HEY".to_vec()));
    let script = "request_headers metric hits 2\nrequest_headers time\nrequest_headers foreign shout\nrequest_headers \
                  foreign missing\nrequest_headers foreign clear_route_cache\nrequest_headers call somewhere";
    let mut chain = probes(&world, &[("a", script)]);
    world.advance(Duration::from_nanos(5));
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    chain.stream().request_headers(post(), true).unwrap();
    assert_eq!(world.metric("hits"), Some(4));
    assert_eq!(s.route_cache_cleared(), 1);
    let expected = [
        "time 1700000000000000005",
        "shout: Ok(Some([72, 69, 89]))",
        "missing: Err(NotFound)",
        "clear_route_cache: Ok(None)",
        "call: Err(BadArgument)",
    ];
    assert_eq!(said(&world, "a")[..5], expected);
    assert_eq!(world.http_calls()[0].cluster, "somewhere");
}

#[test]
fn request_headers_that_were_let_go_are_out_of_reach() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "response_headers other x-in"),
            ("b", "request_headers pause\nresponse_headers other x-in"),
        ],
    );
    let mut s = chain.stream();
    s.request_headers(post(), false).unwrap();
    s.request_body("", true).unwrap();
    // b paused, so it still reaches them; the SDK panics in a, as it does in Envoy.
    let Err(Error::Trap(trap)) = s.response_headers([(":status", "200")], true) else {
        panic!("no trap")
    };
    assert_eq!(trap.filter, "a");
    assert_eq!(said(&world, "b"), ["x-in: in"]);
}

#[test]
fn header_values_are_bytes() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[("a", "request_headers bin x-raw\nrequest_headers bin x-none")],
    );
    let mut headers = post();
    headers.add("X-Raw", b"\xff");
    chain.stream().request_headers(headers, true).unwrap();
    assert_eq!(said(&world, "a"), ["x-raw: Some([255])", "x-none: None"]);
}

#[test]
fn the_same_work_costs_the_same_fuel() {
    let cost = || {
        let world = World::new();
        let mut chain = probes(&world, &[("a", "request_headers show request.path")]);
        let mut s = chain.stream();
        s.request_headers(post(), true).unwrap();
        s.finish().unwrap();
        chain.fuel()
    };
    let first = cost();
    assert_eq!(first, cost());
    let headers = first
        .iter()
        .find(|row| row.callback == "proxy_on_request_headers")
        .unwrap();
    assert!(headers.calls == 1 && headers.fuel > 100, "{headers:?}");
}

#[test]
fn a_plugin_is_configured_with_a_struct_or_with_json() {
    let shipped = Shipped::seven();
    let mut plugin = shipped.plugin("auth");
    let document = shipped.gateway_document();
    for configuration in [struct_bytes(document), document.to_string().into_bytes()] {
        plugin.configuration = configuration;
        let world = World::new();
        let mut chain = Chain::new(&world, std::slice::from_ref(&plugin)).unwrap();
        let mut s = chain.stream();
        let mut headers = post();
        headers.add("x-api-key", "sk-or-v1-demo");
        s.request_headers(headers, true).unwrap();
        let account = s.property(&["meshrouter.key"]).unwrap();
        assert_eq!(Account::key_of(account), "demo");
    }
    plugin.configuration = struct_bytes(&serde_json::json!({"keys": [{"name": 1.5}]}));
    let Err(Error::Rejected { logs, .. }) = Chain::new(&World::new(), &[plugin]) else {
        panic!("accepted")
    };
    assert!(logs[0].contains("keys[0].name"), "{logs:?}");
}
