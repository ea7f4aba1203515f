//! Whose error a caller gets when nobody answered: the most useful one, and of equals the last.

use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{Gateway, error, shared};

/// What is said of a provider whose success has no answer in it.
const NO_COMPLETION: &str = "The provider Gamma answered without a completion.";

/// How useful a failure is to the caller, the least useful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// No answer.
    Silent,
    /// The gateway's key or name of the model is wrong there.
    Ours,
    /// The provider would not have the request.
    Refusal,
    /// The provider would have it at another time.
    Transient,
    /// Nobody else is asked.
    Final,
}

fn named(status: u16, message: &str) -> Value {
    json!({"status": status, "body": {"error": {"message": message}}})
}

/// Failures, how useful each is, and what the caller is told of it.
fn failures() -> Vec<(Value, Use, u16, &'static str)> {
    use Use::{Final, Ours, Refusal, Silent, Transient};
    let event = |error: Value| json!({"error_event": {"at": 0, "error": error}});
    let long = json!({"error": {"code": "context_length_exceeded", "message": "far too long"}});
    let long = |status| json!({"status": status, "body": long});
    let redirect =
        json!({"status": 302, "headers": {"location": "https://canary.example"}, "body": ""});
    vec![
        (
            named(503, "overloaded today"),
            Transient,
            503,
            "overloaded today",
        ),
        (named(429, "slow down"), Transient, 429, "slow down"),
        (named(408, "too slow"), Transient, 408, "too slow"),
        (named(409, "conflict"), Transient, 409, "conflict"),
        (named(425, "too early"), Transient, 425, "too early"),
        (
            json!({"status": 529, "body": "<html>busy</html>"}),
            Transient,
            529,
            "status 529",
        ),
        (
            json!({"status": 500, "empty": true}),
            Transient,
            500,
            "status 500",
        ),
        (
            event(json!({"code": 429, "message": "slow down"})),
            Transient,
            429,
            "slow down",
        ),
        (
            event(json!({"code": "overloaded", "message": "too busy"})),
            Transient,
            502,
            "too busy",
        ),
        (named(403, "flagged"), Refusal, 403, "flagged"),
        (long(400), Refusal, 400, "far too long"),
        (long(413), Refusal, 413, "far too long"),
        (long(422), Refusal, 422, "far too long"),
        // Our key at the provider is not the caller's, and its address is not the caller's to follow.
        (named(401, "no such key"), Ours, 502, "no such key"),
        (named(402, "top up"), Ours, 502, "top up"),
        (redirect, Final, 502, "status 302"),
        (
            named(404, "no such model here"),
            Ours,
            404,
            "no such model here",
        ),
        (json!({"empty": true}), Silent, 502, NO_COMPLETION),
        (json!({"body": [1]}), Silent, 502, NO_COMPLETION),
        (
            json!({"body": "<html>200</html>"}),
            Silent,
            502,
            "The provider Gamma answered",
        ),
        (
            json!({"reset": "before_headers"}),
            Silent,
            503,
            "could not be reached",
        ),
        (json!({"reset": "after_headers"}), Silent, 502, "broke off"),
        (
            json!({"cut": {"after_events": 0}}),
            Silent,
            502,
            "broke off",
        ),
    ]
}

/// Checks that a request ends in this error, of this one of those that are asked.
#[track_caller]
fn assert_told(
    gateway: &Gateway,
    ask: &Ask,
    asked: &[&str],
    whose: &str,
    status: u16,
    message: &str,
) {
    let found = error(&gateway.send(ask), status);
    let said = found["message"].as_str().unwrap();
    assert!(
        said.contains(message),
        "{message}, not {found}: {}",
        ask.body()
    );
    assert_eq!(found["metadata"]["provider_name"], whose, "{}", ask.body());
    assert_eq!(gateway.asked(ask), asked, "{}", ask.body());
    let line = gateway.line(ask);
    let record = &line["completion"];
    assert_eq!(
        (&line["status"], &record["attempts"]),
        (&json!(status), &json!(asked.len())),
        "{}",
        ask.body()
    );
    assert!(record["cost"].is_null(), "{line}");
}

#[test]
fn the_last_of_the_most_useful_errors_is_the_callers() {
    let gateway = shared();
    let all = ["alpha", "beta", "gamma"];
    for stream in [false, true] {
        let ask = || Ask::with(json!({"model": MINI, "stream": stream}));
        for (last, usefulness, status, message) in failures() {
            let mixed = ask()
                .on("alpha", named(500, "first"))
                .on("beta", named(504, "second"))
                .on("gamma", last.clone());
            match usefulness {
                Use::Transient | Use::Final => {
                    assert_told(&gateway, &mixed, &all, "Gamma", status, message)
                }
                _ => assert_told(&gateway, &mixed, &all, "Beta", 504, "second"),
            }
            if usefulness != Use::Final {
                assert_told(
                    &gateway,
                    &ask().everywhere(&last),
                    &all,
                    "Gamma",
                    status,
                    message,
                );
            }
        }
    }
    gateway.assert_calm();
}

#[test]
fn a_more_useful_error_is_told_wherever_it_stands() {
    let gateway = shared();
    let one_of_each = [
        (
            json!({"reset": "before_headers"}),
            Use::Silent,
            503,
            "could not be reached",
        ),
        (named(401, "no such key"), Use::Ours, 502, "no such key"),
        (named(403, "flagged"), Use::Refusal, 403, "flagged"),
        (named(429, "slow down"), Use::Transient, 429, "slow down"),
    ];
    for (n, first) in one_of_each.iter().enumerate() {
        for second in &one_of_each {
            let stream = n % 2 == 1;
            let ask = Ask::with(json!({"model": LLAMA, "stream": stream}))
                .on("gamma", first.0.clone())
                .on("alpha", second.0.clone());
            let (told, whose) = if first.1 > second.1 {
                (first, "Gamma")
            } else {
                (second, "Alpha")
            };
            assert_told(&gateway, &ask, &["gamma", "alpha"], whose, told.2, told.3);
        }
    }
    // What would be final without another model listed ranks with the refusals.
    let ask = Ask::with(json!({"models": [SONNET, LLAMA]}))
        .on("beta", named(422, "wrong"))
        .on("gamma", named(404, "no such model here"))
        .on("alpha", json!({"reset": "after_headers"}));
    assert_told(
        &gateway,
        &ask,
        &["beta", "gamma", "alpha"],
        "Beta",
        422,
        "wrong",
    );
    let ask = Ask::with(json!({"models": [SONNET, LLAMA]}))
        .on("beta", named(400, "wrong"))
        .on("gamma", named(503, "overloaded today"))
        .on("alpha", named(403, "flagged"));
    assert_told(
        &gateway,
        &ask,
        &["beta", "gamma", "alpha"],
        "Gamma",
        503,
        "overloaded today",
    );
}
