//! What an attempt leaves in the data that all workers share.

use meshrouter_core::AttemptRequest;
use meshrouter_core::affinity::{self, Affinity};
use meshrouter_core::carried::Carried;
use meshrouter_core::facts::{Attempt, Transforms};
use meshrouter_core::health::{Board, EndpointHash, FRESH_SECONDS, Outcomes};
use meshrouter_core::limits::Limits;
use meshrouter_core::names::property;
use meshrouter_core::tokens::{Correction, Estimate, Family, Scale};
use meshrouter_host::fake::settings;

use super::tests::*;
use super::*;

const MS: u64 = 1_000_000;

/// The health record of alpha, as all workers see it: outcomes, attempts in flight, milliseconds to
/// the first token, tokens a second, and milliseconds of cool-down.
type Seen = (Outcomes, u32, Option<f64>, Option<f64>, Option<u64>);

fn seen(stream: &Stream<Fallback>) -> Seen {
    let now = stream.host.time / MS;
    let record = stream.host.shared.get("health/a/one");
    let board = Board::of(record.map(|(bytes, _)| bytes.clone()));
    let vitals = board.vitals(EndpointHash::of("alpha"));
    (
        vitals.recent(now),
        vitals.in_flight(now),
        vitals.latency(now, FRESH_SECONDS, 50),
        vitals.throughput(now, FRESH_SECONDS, 50),
        vitals.cooling_until(now).map(|until| until - now),
    )
}

fn outcomes(answered: u64, failed: u64) -> Outcomes {
    Outcomes { answered, failed }
}

/// The counter of alpha's cool-downs.
const COOL_DOWNS: &str = "meshrouter_cooldowns_total;model=a/one;provider=alpha";

const WHOLE: &str = r#"{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":30}}"#;
const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
const LAST: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":50}}\n\ndata: [DONE]\n\n";

#[test]
fn a_whole_answer() {
    let vm = vm("");
    let mut stream = attempt_in(&vm, PLAN, "1", &AttemptRequest::default());
    assert_eq!(seen(&stream), (outcomes(0, 0), 0, None, None, None));
    vm.tell(&mut stream.host);
    let runs = (outcomes(0, 0), 1, None, None, None);
    assert_eq!(seen(&stream), runs, "the tick says so");
    stream.host.time += 500 * MS;
    answer(&mut stream, "200", "application/json", &[WHOLE]);
    let after = (outcomes(1, 0), 0, None, Some(60.0), None);
    assert_eq!(seen(&stream), after);
    stream.log();
    assert_eq!(seen(&stream), after, "it ends once");
}

#[test]
fn a_stream_counts_with_its_first_token_and_is_measured_at_its_end() {
    let mut stream = streaming("1");
    stream.host.time += 200 * MS;
    stream.headers(Direction::Response, &EVENTS, false);
    stream.body(Direction::Response, b": ping\n\n", false);
    assert_eq!(seen(&stream).0, outcomes(0, 0));
    stream.host.time += 100 * MS;
    stream.body(Direction::Response, WORD.as_bytes(), false);
    assert_eq!(seen(&stream), (outcomes(1, 0), 1, Some(300.0), None, None));
    stream.host.time += 700 * MS;
    stream.body(Direction::Response, LAST.as_bytes(), true);
    stream.log();
    assert_eq!(
        seen(&stream),
        (outcomes(1, 0), 0, Some(300.0), Some(50.0), None)
    );
}

const EVENTS: [(&str, &str); 2] = [(":status", "200"), ("content-type", "text/event-stream")];

#[test]
fn failures_count_once_unless_the_request_was_at_fault() {
    let cases = [
        ("500", outcomes(0, 1)),
        ("503", outcomes(0, 1)),
        ("429", outcomes(0, 1)),
        ("401", outcomes(0, 1)),
        ("404", outcomes(0, 1)),
        // A prompt that was flagged, and requests that are wrong.
        ("403", outcomes(0, 0)),
        ("400", outcomes(0, 0)),
        ("422", outcomes(0, 0)),
    ];
    for (status, expected) in cases {
        let mut stream = attempt("1");
        stream.headers(Direction::Response, &[(":status", status)], false);
        stream.body(Direction::Response, b"{}", true);
        assert_eq!(
            (seen(&stream).0, seen(&stream).1),
            (expected, 0),
            "{status}"
        );
        stream.log();
        assert_eq!(seen(&stream).0, expected, "{status}, once");
    }
    for body in ["", "null", r#"{"error": {"code": 503}}"#] {
        let mut stream = attempt("1");
        answer(&mut stream, "200", "application/json", &[body]);
        stream.log();
        assert_eq!(seen(&stream).0, outcomes(0, 1), "{body}");
    }
}

#[test]
fn what_breaks_off_counts_against_the_provider_and_what_the_caller_leaves_does_not() {
    let cases = [
        (
            Some("upstream_reset_after_response_started{x}"),
            &[][..],
            outcomes(0, 1),
        ),
        (
            Some("upstream_reset_after_response_started{x}"),
            &[WORD][..],
            outcomes(1, 1),
        ),
        (
            Some("downstream_remote_disconnect"),
            &[][..],
            outcomes(0, 0),
        ),
        (None, &[WORD][..], outcomes(1, 0)),
    ];
    for (details, chunks, expected) in cases {
        let mut stream = streaming("1");
        stream.headers(Direction::Response, &EVENTS, false);
        for chunk in chunks {
            stream.body(Direction::Response, chunk.as_bytes(), false);
        }
        if let Some(details) = details {
            let details = details.as_bytes().to_vec();
            stream
                .host
                .properties
                .insert("response.code_details".to_owned(), details);
        }
        stream.log();
        assert_eq!(
            (seen(&stream).0, seen(&stream).1),
            (expected, 0),
            "{details:?}"
        );
    }
    // A stream that ends without having finished.
    let mut stream = streaming("1");
    answer(&mut stream, "200", "text/event-stream", &[WORD]);
    stream.log();
    assert_eq!(seen(&stream).0, outcomes(1, 1));
}

#[test]
fn a_provider_that_wants_peace_gets_it() {
    let cases = [
        (&[("retry-after", "7")][..], Some(7_000)),
        (
            &[("retry-after-ms", "250"), ("retry-after", "7")],
            Some(250),
        ),
        (&[("retry-after", "100000")], Some(60_000)),
        (&[("retry-after", "soon")], None),
        // The attempt is made at Tue, 14 Nov 2023 22:13:20 GMT.
        (
            &[("retry-after", "Tue, 14 Nov 2023 22:13:32 GMT")],
            Some(12_000),
        ),
        (
            &[("retry-after", "Wed, 15 Nov 2023 22:13:20 GMT")],
            Some(60_000),
        ),
        (&[("retry-after", "Mon, 13 Nov 2023 22:13:20 GMT")], None),
        (&[], None),
    ];
    for (headers, cooling) in cases {
        let vm = vm("");
        let mut stream = attempt_in(&vm, PLAN, "1", &AttemptRequest::default());
        let headers = [&[(":status", "429")], headers].concat();
        stream.headers(Direction::Response, &headers, true);
        assert_eq!(seen(&stream).4, cooling, "{headers:?}");
        let count = cooling.map(|_| 1);
        assert_eq!(counted(&vm).get(COOL_DOWNS).copied(), count, "{headers:?}");
    }
}

#[test]
fn failures_in_a_row_cool_an_endpoint_down() {
    let mut shared = std::collections::BTreeMap::new();
    let vm = vm("");
    for (n, status) in ["500", "400", "503", "429", "403", "502", "500", "500"]
        .into_iter()
        .enumerate()
    {
        let mut stream = attempt_in(&vm, PLAN, "1", &AttemptRequest::default());
        stream.host.shared = shared;
        stream.headers(Direction::Response, &[(":status", status)], true);
        stream.log();
        // Refusals of the request are none of them, and end no row.
        assert_eq!(seen(&stream).4, (n >= 6).then_some(1_000), "{n}");
        // What was under way when it began is part of it.
        let count = (n == 6).then_some(1);
        assert_eq!(counted(&vm).get(COOL_DOWNS).copied(), count, "{n}");
        shared = stream.host.shared;
    }
}

#[test]
fn a_stream_that_breaks_off_may_cool_its_endpoint_down() {
    let vm = vm(r#""cool_down_after": 1,"#);
    let mut stream = streaming_in(&vm, "1");
    answer(&mut stream, "200", "text/event-stream", &[WORD]);
    stream.log();
    assert_eq!(seen(&stream).4, Some(1_000));
    assert_eq!(counted(&vm)[COOL_DOWNS], 1);
}

#[test]
fn a_conversation_is_remembered_where_it_is_answered() {
    for (status, remembered) in [("200", true), ("500", false)] {
        let mut stream = attempt_of("2", Some(77));
        stream.host.time = 1_700_000_000_000 * MS;
        answer(&mut stream, status, "application/json", &[WHOLE]);
        let slot = stream.host.shared.get(&affinity::key(77));
        let slot = slot.and_then(|(bytes, _)| Affinity::decode(bytes));
        let expected = remembered.then(|| Affinity {
            conversation: 77,
            at: 1_700_000_000,
            candidate: Candidate::parse("a/one@beta").unwrap(),
        });
        assert_eq!(slot, expected, "{status}");
    }
}

#[test]
fn a_conversation_is_forgotten_where_it_has_no_choice() {
    let alone = r#"{"providers": {"beta": {"cluster": "beta"}}, "models": [{"id": "a/one", "context_length": 8192,
        "endpoints": [{"provider": "beta", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;
    let request = AttemptRequest {
        conversation: Some(77),
        ..AttemptRequest::default()
    };
    let vm = settings::<Fallback>(alone).unwrap();
    let mut stream = attempt_in(&vm, "a/one@beta", "1", &request);
    answer(&mut stream, "200", "application/json", &[WHOLE]);
    assert_eq!(stream.host.shared.get(&affinity::key(77)), None);
}

/// What all workers have learned of the model's tokens, in 1/1024, from one prompt: it is estimated to have a
/// thousand, margin included, and reported to have so many.
fn learned(request: &AttemptRequest, prompt_tokens: u64) -> Option<u32> {
    let mut stream = attempt_in(&vm(""), PLAN, "1", request);
    let usage = format!(r#""usage":{{"prompt_tokens":{prompt_tokens},"completion_tokens":3}}"#);
    let whole = format!(r#"{{"choices":[{{"message":{{"content":"x"}}}}],{usage}}}"#);
    answer(&mut stream, "200", "application/json", &[&whole]);
    let (record, _) = stream.host.shared.get("health/a/one").unwrap();
    let learned = Board::of(Some(record.clone())).correction();
    learned.map(Correction::factor)
}

#[test]
fn reported_tokens_correct_the_estimates_of_the_model() {
    let plain = AttemptRequest {
        estimate: Estimate::of_tokens(1_000),
        ..AttemptRequest::default()
    };
    // Without the margin, one part in six, it is estimated at 857.
    let near = |prompt_tokens, factor: u32| {
        let found = learned(&plain, prompt_tokens).unwrap();
        assert!(found.abs_diff(factor) < 3, "{prompt_tokens}: {found}");
    };
    near(857, 1_024);
    near(1_286, 1_536);
    assert_eq!(learned(&plain, 1_000_000), Some(2_048), "bounded");
    assert_eq!(learned(&plain, 1), Some(512));
    assert_eq!(learned(&plain, 0), None, "nothing was said");
    // What is sent is not what was weighed, or the weight is less certain.
    let short = AttemptRequest {
        estimate: Estimate::of_tokens(50),
        ..AttemptRequest::default()
    };
    let media = AttemptRequest {
        has_media: true,
        ..plain.clone()
    };
    let searches = AttemptRequest {
        online: vec!["a/one".to_owned()],
        ..plain.clone()
    };
    let compressed = AttemptRequest {
        estimate: Estimate::of_tokens(10_000_000),
        transforms: Transforms::MiddleOut,
        ..AttemptRequest::default()
    };
    for request in [short, media, searches, compressed] {
        assert_eq!(learned(&request, 857), None, "{request:?}");
    }
}

#[test]
fn what_is_to_be_compressed_is_told() {
    let told = |attempt: &str, tokens: u64| {
        let request = AttemptRequest {
            estimate: Estimate::of_tokens(tokens),
            message_count: 3,
            transforms: Transforms::MiddleOut,
            ..AttemptRequest::default()
        };
        let stream = attempt_in(&vm(""), PLAN, attempt, &request);
        let attempt = stream.host.properties.get(property::ATTEMPT)?;
        Some(Attempt::decode(attempt))
    };
    assert_eq!(told("1", 1_000), None, "it fits");
    assert_eq!(
        told("2", 1_000),
        Some(None),
        "the first may have left another"
    );
    let scale = Scale::of(Family::Other);
    let expected = |model: &str, context: u64| Attempt {
        model: model.to_owned(),
        scale,
        context,
        limits: Limits {
            weight: scale.weight(context - context / 4),
            messages: None,
            completion: context / 4,
        },
    };
    let attempt = told("1", 10_000_000).flatten();
    assert_eq!(attempt, Some(expected("a/one", 8_192)));
}
