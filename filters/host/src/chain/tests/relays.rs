//! Who sees what, and when.

use super::*;
use Direction::{Request, Response};
use Do::{Pass, Pause, Write};

#[test]
fn requests_run_one_way_and_responses_the_other() {
    let mut run = Run::new(&[]);
    assert_eq!(run.headers(Request, false), Flow::Continue);
    assert_eq!(run.body(Request, "x", true), Flow::Continue);
    run.heard(&[
        "a request headers",
        "b request headers",
        "c request headers",
        "a request body `x` end",
        "b request body `x` end",
        "c request body `x` end",
    ]);
    assert_eq!(run.headers(Response, false), Flow::Continue);
    assert_eq!(run.body(Response, "y", true), Flow::Continue);
    run.stream.log();
    run.heard(&[
        "c response headers",
        "b response headers",
        "a response headers",
        "c response body `y` end",
        "b response body `y` end",
        "a response body `y` end",
        "a log",
        "b log",
        "c log",
    ]);
}

#[test]
fn headers_that_are_held_come_with_the_body() {
    let lines: [Line; 2] = [
        ("a", "request headers", &[Pause]),
        ("a", "request body", &[Pause, Write("AB", Flow::Continue)]),
    ];
    let mut run = Run::new(&lines);
    assert_eq!(run.headers(Request, false), Flow::Pause);
    assert_eq!(run.body(Request, "a", false), Flow::Pause);
    run.heard(&["a request headers", "a request body `a`"]);
    assert_eq!(run.body(Request, "b", true), Flow::Continue);
    run.heard(&[
        "a request body `ab` end",
        "b request headers",
        "c request headers",
        "b request body `AB` end",
        "c request body `AB` end",
    ]);
    assert_eq!(run.stream.sent(Request), "AB");
}

#[test]
fn who_has_passed_bytes_on_sees_new_ones_only() {
    let bodies: &[Do] = &[Pause, Pause, Write("ABC", Flow::Continue)];
    let lines: [Line; 2] = [
        ("b", "response headers", &[Pause]),
        ("b", "response body", bodies),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, true);
    run.forget();
    assert_eq!(run.headers(Response, false), Flow::Pause);
    assert_eq!(run.body(Response, "a", false), Flow::Pause);
    assert_eq!(run.body(Response, "b", false), Flow::Pause);
    assert_eq!(run.body(Response, "c", false), Flow::Continue);
    run.heard(&[
        "c response headers",
        "b response headers",
        "c response body `a`",
        "b response body `a`",
        "c response body `b`",
        "b response body `ab`",
        "c response body `c`",
        "b response body `abc`",
        "a response headers",
        "a response body `ABC`",
    ]);
    assert_eq!(run.body(Response, "d", true), Flow::Continue);
    run.heard(&[
        "c response body `d` end",
        "b response body `d` end",
        "a response body `d` end",
    ]);
    assert_eq!(run.stream.sent(Response), "ABCd");
}

#[test]
fn who_replaces_new_bytes_leaves_those_that_a_later_filter_holds() {
    let writes: &[Do] = &[
        Write("AA", Flow::Continue),
        Write("", Flow::Continue),
        Write("CC", Flow::Continue),
    ];
    let lines: [Line; 2] = [
        ("a", "request body", writes),
        ("c", "request body", &[Pause, Pause, Pass]),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, false);
    run.forget();
    run.body(Request, "a", false);
    run.body(Request, "b", false);
    run.body(Request, "c", true);
    run.heard(&[
        "a request body `a`",
        "b request body `AA`",
        "c request body `AA`",
        "a request body `b`",
        "b request body ``",
        "c request body `AA`",
        "a request body `c` end",
        "b request body `CC` end",
        "c request body `AACC` end",
    ]);
    assert_eq!(run.stream.sent(Request), "AACC");
}

/// Two hold at once: the later some bytes, the earlier those after them.
#[test]
fn each_holds_what_is_its_own() {
    let bodies: &[Do] = &[Pass, Pause, Pause, Write("BCD", Flow::Continue)];
    let lines: [Line; 2] = [
        ("a", "request body", bodies),
        ("b", "request body", &[Write("A", Flow::Pause), Pass]),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, false);
    run.forget();
    for (bytes, end) in [("a", false), ("b", false), ("c", false), ("d", true)] {
        run.body(Request, bytes, end);
    }
    run.heard(&[
        "a request body `a`",
        "b request body `a`",
        "a request body `b`",
        "a request body `bc`",
        "a request body `bcd` end",
        "b request body `ABCD` end",
        "c request body `ABCD` end",
    ]);
    assert_eq!(run.stream.sent(Request), "ABCD");
}

#[test]
fn who_empties_what_it_holds_sees_what_follows() {
    let bodies: &[Do] = &[Write("", Flow::Pause), Write("xy", Flow::Continue)];
    let lines: [Line; 2] = [
        ("a", "response headers", &[Pause]),
        ("a", "response body", bodies),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, true);
    run.headers(Response, false);
    run.forget();
    run.body(Response, "x", false);
    run.body(Response, "y", true);
    run.heard(&[
        "c response body `x`",
        "b response body `x`",
        "a response body `x`",
        "c response body `y` end",
        "b response body `y` end",
        "a response body `y` end",
    ]);
    assert_eq!(run.stream.sent(Response), "xy");
}

#[test]
fn who_has_not_seen_the_request_does_not_see_the_response() {
    let mut run = Run::new(&[("b", "request headers", &[Do::Reply])]);
    assert_eq!(run.headers(Request, false), Flow::Replied);
    assert_eq!(run.stream.host.reply, Some(Reply::empty(418)));
    run.headers(Response, false);
    run.body(Response, "x", true);
    run.stream.log();
    run.heard(&[
        "a request headers",
        "b request headers",
        "b response headers",
        "a response headers",
        "b response body `x` end",
        "a response body `x` end",
        "a log",
        "b log",
        // Envoy makes a filter for the log where there was none.
        "c log",
    ]);
}

#[test]
fn a_reply_to_a_body_ends_the_request_there() {
    let lines: [Line; 2] = [
        ("b", "request headers", &[Pause]),
        ("b", "request body", &[Do::Reply]),
    ];
    let mut run = Run::new(&lines);
    assert_eq!(run.headers(Request, false), Flow::Pause);
    assert_eq!(run.body(Request, "x", true), Flow::Replied);
    run.headers(Response, true);
    run.heard(&[
        "a request headers",
        "b request headers",
        "a request body `x` end",
        "b request body `x` end",
        "b response headers end",
        "a response headers end",
    ]);
}

#[test]
fn a_reply_to_the_headers_that_another_held() {
    let lines: [Line; 2] = [
        ("a", "request headers", &[Pause]),
        ("b", "request headers", &[Do::Reply]),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, false);
    assert_eq!(run.body(Request, "x", true), Flow::Replied);
    run.headers(Response, true);
    run.heard(&[
        "a request headers",
        "a request body `x` end",
        "b request headers",
        "b response headers end",
        "a response headers end",
    ]);
}

#[test]
fn trailers_end_a_body_for_those_who_hold_it() {
    let lines: [Line; 2] = [
        ("b", "request body", &[Pause, Pass]),
        ("c", "request body", &[Pause, Pass]),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, false);
    run.body(Request, "x", false);
    run.forget();
    assert_eq!(run.stream.trailers(Request), Flow::Continue);
    run.heard(&[
        "b request body `x` end",
        // As Envoy has it: the bytes go on, and the end comes with the trailers.
        "c request body `x`",
        "c request body `x` end",
    ]);
    assert_eq!(run.stream.sent(Request), "x");
}

#[test]
fn trailers_are_nothing_to_those_who_hold_nothing() {
    let lines: [Line; 2] = [
        ("a", "response headers", &[Pause]),
        ("a", "response body", &[Pause, Write("X", Flow::Continue)]),
    ];
    let mut run = Run::new(&lines);
    run.headers(Request, true);
    run.headers(Response, false);
    run.body(Response, "x", false);
    run.forget();
    assert_eq!(run.stream.trailers(Response), Flow::Continue);
    run.heard(&["a response body `x` end"]);
    assert_eq!(run.stream.sent(Response), "X");
}

/// As in Envoy, which lets held headers go where trailers follow them at once: nobody is left out.
#[test]
fn trailers_without_a_body_let_headers_go() {
    let mut run = Run::new(&[("a", "request headers", &[Pause])]);
    run.headers(Request, false);
    assert_eq!(run.stream.trailers(Request), Flow::Continue);
    run.heard(&[
        "a request headers",
        "b request headers",
        "c request headers",
    ]);
}
