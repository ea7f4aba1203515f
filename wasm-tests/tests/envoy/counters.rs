//! Counters in Prometheus' form: labels are labels, and counts are exact whichever worker counted.

use std::collections::BTreeMap;
use std::io::Write;

use meshrouter_wasm_tests::client::Request;
use serde_json::json;

use crate::ask::{Ask, MINI, SONNET, known_key};
use crate::gateway::{Gateway, eventually};

/// The samples of `/stats/prometheus` whose name contains `meshrouter_`, by name and labels.
fn samples(gateway: &Gateway) -> BTreeMap<String, u64> {
    let stats = gateway.envoy.admin("/stats/prometheus");
    let own = stats
        .lines()
        .filter(|line| line.contains("meshrouter_") && !line.starts_with('#'));
    own.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    })
    .collect()
}

/// Names of labels and their values.
type Labels<'a> = &'a [(&'a str, &'a str)];

/// The sum of the samples of a metric that have all these labels.
fn sum(samples: &BTreeMap<String, u64>, metric: &str, labels: Labels<'_>) -> u64 {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    let has = |sample: &str| {
        let (name, rest) = sample.split_once('{').unwrap_or((sample, ""));
        let rest: Vec<_> = rest.trim_end_matches('}').split(',').collect();
        name.ends_with(metric) && labels.iter().all(|label| rest.contains(&&**label))
    };
    samples
        .iter()
        .filter(|(sample, _)| has(sample))
        .map(|(_, value)| value)
        .sum()
}

#[test]
fn two_workers_count_every_request_once() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 6;
    let gateway = Gateway::start(|envoy| envoy.concurrency(2));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let gateway = &gateway;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let stream = (thread + round) % 2 == 0;
                    // Alpha fails, beta serves; then beta alone; then a 400; then none that is known.
                    let ask = Ask::with(json!({"model": MINI, "stream": stream}))
                        .on("alpha", json!({"status": 503}));
                    assert_eq!(gateway.send(&ask).status, 200);
                    assert_eq!(gateway.send(&Ask::model(SONNET)).status, 200);
                    if round == 0 {
                        let refused = Ask::model(MINI).on("alpha", json!({"status": 400}));
                        assert_eq!(gateway.send(&refused).status, 400);
                        let models = Request::get("/v1/models");
                        assert_eq!(gateway.envoy.client().send(models).status, 200);
                        let stranger = Request::post("/v1/chat/completions").bearer("no");
                        assert_eq!(
                            gateway
                                .envoy
                                .client()
                                .send(stranger.json(&json!({})))
                                .status,
                            401
                        );
                    }
                }
            });
        }
    });
    let each = THREADS * ROUNDS;
    let requests = "meshrouter_requests_total";
    let attempts = "meshrouter_attempts_total";
    let all = 2 * each + 3 * THREADS;
    eventually("all requests and their attempts are counted", || {
        let samples = samples(&gateway);
        let count = |metric| sum(&samples, metric, &[]);
        (count(requests), count(attempts)) == (all, 3 * each + THREADS)
    });
    let samples = samples(&gateway);
    let (tokens, cost) = (
        "meshrouter_tokens_total",
        "meshrouter_cost_nanodollars_total",
    );
    let mini = ("model", MINI);
    let beta = ("provider", "beta");
    let expected: &[(&str, Labels<'_>, u64)] = &[
        (requests, &[mini, beta, ("status", "200")], each),
        (
            requests,
            &[("model", SONNET), beta, ("status", "200")],
            each,
        ),
        (
            requests,
            &[mini, ("provider", "alpha"), ("status", "400")],
            THREADS,
        ),
        (requests, &[("status", "401")], THREADS),
        (requests, &[("status", "200")], 2 * each + THREADS),
        (requests, &[("status", "503")], 0),
        (tokens, &[mini, beta, ("type", "input")], 3 * each),
        (tokens, &[mini, beta, ("type", "output")], 8 * each),
        (tokens, &[("type", "input")], 6 * each),
        // 3 × 200 + 8 × 800 and 3 × 3000 + 8 × 15000 nano-dollars.
        (cost, &[mini, beta], 7_000 * each),
        (cost, &[("model", SONNET), beta], 129_000 * each),
        (
            attempts,
            &[("provider", "alpha"), ("verdict", "failed")],
            each,
        ),
        (
            attempts,
            &[("provider", "alpha"), ("verdict", "refused")],
            THREADS,
        ),
        (attempts, &[beta, ("verdict", "answered")], 2 * each),
        (attempts, &[], 3 * each + THREADS),
        ("meshrouter_fallbacks_total", &[mini, beta], each),
        ("meshrouter_fallbacks_total", &[], each),
    ];
    for (metric, labels, count) in expected {
        assert_eq!(
            sum(&samples, metric, labels),
            *count,
            "{metric} {labels:?} in {samples:#?}"
        );
    }
    // Refused callers and readers of lists are no completions.
    let lines = gateway
        .envoy
        .wait_for_access_log(usize::try_from(all).unwrap());
    let without: Vec<_> = lines
        .iter()
        .filter(|line| line["completion"].is_null())
        .collect();
    assert_eq!(
        (lines.len() as u64, without.len() as u64),
        (all, 2 * THREADS)
    );
    // What could not be taken apart into labels would still be part of a name.
    for sample in samples.keys() {
        let name = sample.split('{').next().unwrap_or_default();
        assert!(
            name.ends_with("_total") && !name.contains(['=', ';']),
            "{sample}"
        );
    }
}

/// The samples of a histogram: how many values there were, and that buckets and sum are there.
fn observations(stats: &str, histogram: &str) -> u64 {
    let of = |suffix: &str| {
        let name = format!("{histogram}{suffix}{{");
        stats
            .lines()
            .filter(move |line| line.contains(&name))
            .collect::<Vec<_>>()
    };
    assert!(
        !of("_bucket").is_empty() && !of("_sum").is_empty(),
        "{histogram}: {stats}"
    );
    let counts = of("_count").into_iter();
    counts
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn times_limits_and_reservations_show() {
    let gateway = Gateway::start(|envoy| {
        envoy.document(|document| {
            let keys = document["keys"].as_array_mut().unwrap();
            keys.push(known_key(
                "bounded",
                &json!({"limit": "1", "requests_per_minute": 3}),
            ));
        })
    });
    let ask = Ask::model(MINI)
        .with_key("bounded")
        .and(json!({"max_tokens": 1_000}));
    // By the costliest of the plan: 1,200 nano-dollars for a token of the completion, and some for the prompt.
    let held = ask
        .again()
        .stream()
        .on("alpha", json!({"hold_ms_after_first": 30_000}));
    let mut stream = gateway.stream(&held);
    stream.read_until("Hello");
    let reserved = || sum(&samples(&gateway), "meshrouter_reserved_nanodollars", &[]);
    eventually("it is reserved", || reserved() > 0);
    assert!(
        (1_200_000..1_210_000).contains(&reserved()),
        "{}",
        reserved()
    );
    drop(stream);
    eventually("it is settled", || reserved() == 0);
    for stream in [false, true] {
        assert_eq!(
            gateway
                .send(&ask.again().and(json!({"stream": stream})))
                .status,
            200
        );
    }
    assert_eq!(gateway.send(&ask).status, 429);
    let limited = "meshrouter_limited_total";
    let samples = samples(&gateway);
    assert_eq!(
        sum(&samples, limited, &[("limit", "requests_per_minute")]),
        1
    );
    let count = |histogram: &str| {
        let stats = gateway.envoy.admin("/stats/prometheus");
        observations(&stats, histogram)
    };
    // Histograms show what came up to their last flush.
    let duration = "gen_ai_server_request_duration_milliseconds";
    eventually("durations are flushed", || {
        gateway.envoy.admin("/stats/prometheus").contains(duration) && count(duration) == 3
    });
    assert_eq!(count("gen_ai_server_time_to_first_token_milliseconds"), 2);
    assert!(count("gen_ai_server_time_per_output_token_microseconds") >= 1);
}

#[test]
fn a_held_answer_that_breaks_off_is_a_failure_and_one_that_its_caller_leaves_is_cancelled() {
    let attempts = "meshrouter_attempts_total";
    let events = [": ping\n\n", "data: {\"choices\":[]}\n\n"];
    let gateway = Gateway::start(|envoy| envoy);
    let held = json!({"events": events, "hold_ms_after_first": 30_000});
    let ask = Ask::model(MINI).stream().on("alpha", held);
    let mut connection = gateway.connect();
    let body = ask.body().to_string();
    let wire = ask.head(body.len(), "") + &body;
    connection.write_all(wire.as_bytes()).unwrap();
    // In whatever shape: they have come, and nothing has gone on.
    eventually("alpha's headers are held", || {
        let stats = gateway
            .envoy
            .admin("/stats?filter=cluster.alpha.upstream_cx_rx_bytes_total");
        !stats.trim_end().ends_with(": 0")
    });
    drop(connection);
    eventually("alpha is cancelled", || {
        gateway.providers.alpha.connections_cut() == 1
    });
    let record = gateway.record(&ask);
    assert_eq!(record["finished"], json!(false));
    eventually("the attempt is counted", || {
        sum(&samples(&gateway), attempts, &[]) == 1
    });
    let cancelled = sum(&samples(&gateway), attempts, &[("verdict", "cancelled")]);
    assert_eq!(cancelled, 1);

    for (model, rest) in [(MINI, 1), (SONNET, 0)] {
        let provider = if rest == 1 { "alpha" } else { "beta" };
        let breaks = json!({"events": events, "reset": {"after_events": 1}, "chunk_delay_ms": 30});
        let before = samples(&gateway);
        let ask = Ask::model(model).stream().on(provider, breaks);
        gateway.send(&ask);
        let failed = [("provider", provider), ("verdict", "failed")];
        eventually("the failure and what followed are counted", || {
            let now = samples(&gateway);
            let more = |labels| sum(&now, attempts, labels) - sum(&before, attempts, labels);
            (more(&failed), more(&[])) == (1, 1 + rest)
        });
    }
}
