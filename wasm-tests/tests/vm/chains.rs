//! The filter manager: pauses, buffering, order, local replies, traps.

use meshrouter_wasm_tests::vm::{Error, Event, World};

use crate::{post, probes, said};

#[test]
fn a_filter_that_does_not_pause_sees_and_lets_go_each_piece() {
    let world = World::new();
    let mut chain = probes(&world, &[("a", "request_body body\nresponse_body body")]);
    let mut s = chain.stream();
    assert!(s.request_headers(post(), false).unwrap().headers.is_some());
    assert_eq!(s.request_body("one", false).unwrap().body, [b"one"]);
    let out = s.request_body("two", true).unwrap();
    assert_eq!((out.body, out.ended), (vec![b"two".to_vec()], true));
    assert_eq!(
        s.response_headers([(":status", "200")], false)
            .unwrap()
            .headers
            .unwrap()
            .status(),
        200
    );
    assert_eq!(s.response_body("x", false).unwrap().text(), "x");
    assert!(s.response_body("", true).unwrap().ended);
    s.finish().unwrap();
    assert_eq!(
        said(&world, "a"),
        ["body one", "body two end", "body x", "body none end"]
    );
}

#[test]
fn held_headers_leave_with_the_whole_body_and_what_the_body_callback_changed() {
    let world = World::new();
    let script =
        "request_headers pause\nrequest_body body\nrequest_body pause\nrequest_end set x-late yes";
    let mut chain = probes(
        &world,
        &[
            ("a", script),
            ("b", "request_headers header x-late\nrequest_body body"),
        ],
    );
    let mut s = chain.stream();
    assert_eq!(s.request_headers(post(), false).unwrap().headers, None);
    assert_eq!(s.request_body("one ", false).unwrap().headers, None);
    assert_eq!(s.request_body("two", false).unwrap().headers, None);
    let out = s.request_body("", true).unwrap();
    assert_eq!(out.headers.unwrap().text("x-late").as_deref(), Some("yes"));
    assert_eq!((out.body, out.ended), (vec![b"one two".to_vec()], true));
    assert_eq!(
        said(&world, "a"),
        ["body one ", "body one two", "body one two end"]
    );
    assert_eq!(said(&world, "b"), ["x-late: yes", "body one two end"]);
}

#[test]
fn a_request_without_a_body_has_its_end_in_the_headers() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "request_headers set x-a 1"),
            ("b", "request_headers add x-in more"),
        ],
    );
    let mut s = chain.stream();
    let out = s.request_headers(post(), true).unwrap();
    assert!(out.ended);
    let headers = out.headers.unwrap();
    assert_eq!(headers.all("x-in"), [&b"in"[..], b"more"]);
    assert_eq!(headers.text("x-a").as_deref(), Some("1"));
}

#[test]
fn two_filters_that_hold_the_body_pass_it_on_one_after_the_other() {
    let world = World::new();
    let hold = "request_headers pause\nrequest_body pause\nrequest_end splice 0 999 ";
    let (first, second) = (
        format!("{hold}first"),
        format!("{hold}second\nrequest_end body"),
    );
    let mut chain = probes(&world, &[("a", &first), ("b", &second)]);
    let mut s = chain.stream();
    s.request_headers(post(), false).unwrap();
    s.request_body("xxxx", false).unwrap();
    let out = s.request_body("yyyy", true).unwrap();
    assert_eq!((out.text(), out.ended), ("second".to_owned(), true));
    assert_eq!(said(&world, "b"), ["body second end"]);
}

#[test]
fn a_response_filter_may_judge_the_first_bytes_and_then_stream() {
    let world = World::new();
    // The first piece, seen with the headers held, changes the status; later pieces pass.
    let mut chain = probes(
        &world,
        &[(
            "a",
            "response_headers pause\nresponse_body header :status\nresponse_body set :status 502",
        )],
    );
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    assert_eq!(
        s.response_headers([(":status", "200")], false)
            .unwrap()
            .headers,
        None
    );
    let out = s.response_body("first", false).unwrap();
    assert_eq!(
        (out.headers.unwrap().status(), out.body),
        (502, vec![b"first".to_vec()])
    );
    assert_eq!(s.response_body("second", false).unwrap().text(), "second");
}

#[test]
fn responses_run_from_the_last_filter_to_the_first() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "response_headers add x-order a"),
            ("b", "response_headers add x-order b"),
        ],
    );
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    let out = s.response_headers([(":status", "200")], true).unwrap();
    assert_eq!(out.headers.unwrap().all("x-order"), [b"b", b"a"]);
}

#[test]
fn a_body_callback_may_empty_its_piece() {
    let world = World::new();
    let mut chain = probes(&world, &[("a", "response_body splice 0 999 ")]);
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    s.response_headers([(":status", "200")], false).unwrap();
    assert_eq!(s.response_body("gone", false).unwrap().body.len(), 0);
    assert!(!s.response().ended);
    assert!(s.response_body("", true).unwrap().ended);
}

#[test]
fn a_local_reply_passes_the_response_filters_that_the_request_has_reached() {
    let world = World::new();
    let mark = "response_headers add x-seen";
    let reply = format!("request_headers reply 403 no\n{mark} b");
    let mut chain = probes(
        &world,
        &[
            ("a", &format!("{mark} a")),
            ("b", &reply),
            ("c", &format!("{mark} c\nlog say logged")),
        ],
    );
    let mut s = chain.stream();
    let out = s.request_headers(post(), false).unwrap();
    assert_eq!(out.headers, None);
    assert_eq!(out.local_reply.unwrap().code, 403);
    assert_eq!(s.request_body("late", true).unwrap().body.len(), 0);
    let response = s.response();
    let headers = response.headers.clone().unwrap();
    assert_eq!(
        (headers.status(), response.text(), response.ended),
        (403, "no".to_owned(), true)
    );
    assert_eq!(headers.all("x-seen"), [b"b", b"a"]);
    assert_eq!(headers.text("content-length").as_deref(), Some("2"));
    assert_eq!(headers.text("content-type").as_deref(), Some("text/plain"));
    s.finish().unwrap();
    assert_eq!(
        said(&world, "c"),
        ["logged"],
        "a filter that the request never reached still logs"
    );
}

#[test]
fn a_reply_from_a_response_callback_bypasses_the_filters() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "response_headers add x-seen a"),
            ("b", "response_headers reply 500 oops"),
        ],
    );
    let mut s = chain.stream();
    s.request_headers(post(), true).unwrap();
    s.response_headers([(":status", "200")], false).unwrap();
    let response = s.response();
    assert_eq!(
        (
            response.headers.unwrap().all("x-seen").len(),
            response.body.concat()
        ),
        (0, b"oops".to_vec())
    );
    assert!(s.response_body("more", false).unwrap().body.is_empty());
}

#[test]
fn a_trap_fails_its_stream_closed_and_the_next_stream_gets_a_fresh_vm() {
    let world = World::new();
    let mut chain = probes(
        &world,
        &[
            ("a", "response_headers set x-a 1\nlog prop done yes"),
            ("b", "request_body panic here"),
        ],
    );
    let mut other = chain.stream();
    other.request_headers(post(), true).unwrap();
    let mut s = chain.stream();
    s.request_headers(post(), false).unwrap();
    let Err(Error::Trap(trap)) = s.request_body("x", true) else {
        panic!("no trap")
    };
    assert_eq!(
        (trap.filter.as_str(), trap.callback.as_str()),
        ("b", "proxy_on_request_body")
    );
    assert_eq!(s.response().headers.unwrap().status(), 503);
    assert_eq!(
        s.response_code_details().as_deref(),
        Some("wasm_fail_stream")
    );
    assert!(
        world
            .logs()
            .iter()
            .any(|l| l.message.contains("told to: here"))
    );
    // The other stream's VM is gone too; its state is not.
    other.response_headers([(":status", "200")], true).unwrap();
    assert_eq!(other.response().headers.unwrap().status(), 503);
    s.finish().unwrap();
    assert_eq!(s.property(&["done"]), Some(&b"yes"[..]));
    let mut next = chain.stream();
    assert!(next.request_headers(post(), true).unwrap().ended);
}

#[test]
fn an_endless_loop_is_a_trap() {
    let world = World::new();
    let mut chain = probes(&world, &[("a", "request_headers spin")]);
    let Err(Error::Trap(trap)) = chain.stream().request_headers(post(), true) else {
        panic!("no trap")
    };
    assert!(trap.message.contains("fuel"), "{}", trap.message);
}

#[test]
fn the_piece_events_of_a_stream_are_kept_in_order() {
    let world = World::new();
    let mut chain = probes(&world, &[("a", "")]);
    let mut s = chain.stream();
    s.request_headers(post(), false).unwrap();
    s.request_body("x", true).unwrap();
    let [
        Event::Headers { end: false, .. },
        Event::Data { bytes, end: true },
    ] = s.request_events()
    else {
        panic!("{:?}", s.request_events())
    };
    assert_eq!(bytes, b"x");
}
