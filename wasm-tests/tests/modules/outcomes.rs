//! What becomes of a request whose providers fail, one way or another.

use meshrouter_wasm_tests::vm::{UpstreamAnswer, UpstreamResponse, World};
use serde_json::json;

use crate::answers::{completion, failures, sse};
use crate::{CLAUDE, GPT, LLAMA, assert_sound, chat, gateway, json, post, record};

#[test]
fn every_failure_sends_the_request_to_the_next_endpoint() {
    let (_, mut gateway) = gateway();
    for (name, failure, _) in failures() {
        for stream in ["", r#""stream":true,"#] {
            let answer = gateway.send(&post(chat(GPT, stream)), |request| {
                if request.attempt == 1 {
                    failure.clone()
                } else {
                    completion()
                }
            });
            assert_sound(&answer, name);
            assert_eq!((answer.status, answer.attempts), (200, 2), "{name}");
            let clusters: Vec<_> = answer.upstream.iter().map(|u| u.cluster.as_str()).collect();
            assert_eq!(clusters, ["alpha", "beta"], "{name}");
            let models: Vec<_> = answer
                .upstream
                .iter()
                .map(|u| json(&u.text())["model"].clone())
                .collect();
            assert_eq!(models, ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"], "{name}");
            assert_eq!(json(&answer.text())["provider"], "Beta", "{name}");
            let record = record(&answer);
            assert_eq!(
                (&record["provider"], &record["attempts"]),
                (&json!("beta"), &json!(2)),
                "{name}"
            );
        }
    }
}

#[test]
fn the_last_failure_is_the_callers_with_its_status() {
    let (world, mut gateway) = gateway();
    for (name, failure, status) in failures() {
        let stream = if is_stream(&failure) {
            r#""stream":true,"#
        } else {
            ""
        };
        let answer = gateway.send(&post(chat(CLAUDE, stream)), |_| failure.clone());
        assert_sound(&answer, name);
        // The second attempt asks nobody: it is the last word.
        assert_eq!((answer.status, answer.attempts), (status, 2), "{name}");
        assert_eq!(answer.upstream.len(), 1, "{name}");
        assert_eq!(
            answer.headers.text("x-router-attempts").as_deref(),
            Some("1")
        );
        let error = &json(&answer.text())["error"];
        assert_eq!(error["code"], json!(status), "{name}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}"
        );
        assert_eq!(
            answer.headers.text("content-type").as_deref(),
            Some("application/json"),
            "{name}"
        );
        let record = record(&answer);
        assert_eq!(record["cost"], json!(null), "{name}");
        assert_eq!(record["model_requested"], CLAUDE, "{name}");
        assert_eq!(record["attempts"], 1, "{name}");
    }
    let tokens = |name: &String| {
        name.starts_with("meshrouter_tokens") || name.starts_with("meshrouter_cost")
    };
    assert!(!world.metrics().keys().any(tokens), "failures cost nothing");
}

fn is_stream(failure: &UpstreamAnswer) -> bool {
    let (UpstreamAnswer::Answer(response) | UpstreamAnswer::ResetAfter(response)) = failure else {
        return false;
    };
    response.headers.text("content-type").as_deref() == Some("text/event-stream")
}

#[test]
fn after_the_last_endpoint_comes_the_next_model() {
    let (world, mut gateway) = gateway();
    let body = chat(GPT, &format!(r#""models":["{CLAUDE}","{LLAMA}"],"#));
    let down = |_: &_| UpstreamResponse::json(500, "{}").into();
    let answer = gateway.send(&post(body.clone()), |request| {
        if request.attempt < 5 {
            down(request)
        } else {
            completion()
        }
    });
    assert_sound(&answer, "models");
    let asked: Vec<_> = answer
        .upstream
        .iter()
        .map(|u| {
            format!(
                "{} {}",
                u.cluster,
                json(&u.text())["model"].as_str().unwrap()
            )
        })
        .collect();
    let plan = [
        "alpha gpt-4o-mini",
        "beta gpt-4o-mini-2024-07-18",
        "gamma azure/gpt-4o-mini",
        "beta claude-sonnet-4-20250514",
        "gamma llama-3.3-70b-versatile",
        "alpha meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ];
    assert_eq!(asked, plan[..5]);
    let text = json(&answer.text());
    assert_eq!(
        (&text["model"], &text["provider"]),
        (&json!(LLAMA), &json!("Gamma"))
    );
    gateway.tick().unwrap();
    let failed = |provider: &str| {
        world.metric(&format!(
            "meshrouter_attempts_total;provider={provider};verdict=failed"
        ))
    };
    assert_eq!(
        (failed("alpha"), failed("beta"), failed("gamma")),
        (Some(1), Some(2), Some(1))
    );

    let answer = gateway.send(&post(body), down);
    assert_sound(&answer, "all fail");
    assert_eq!((answer.status, answer.upstream.len()), (500, 6));
    let error = json(&answer.text());
    assert_eq!(error["error"]["metadata"]["provider_name"], "Alpha");
    let record = record(&answer);
    assert_eq!(
        (&record["model"], &record["attempts"]),
        (&json!(LLAMA), &json!(6))
    );
}

#[test]
fn a_refusal_is_final() {
    let (_, mut gateway) = gateway();
    for (status, told) in [
        (400, 400),
        (405, 405),
        (413, 413),
        (415, 415),
        (422, 422),
        (301, 502),
        (307, 502),
    ] {
        let answer = gateway.send(&post(chat(GPT, "")), |_| {
            UpstreamResponse::json(status, r#"{"error":{"message":"Bad, sk-abcdefgh1234"}}"#).into()
        });
        assert_sound(&answer, "refusal");
        assert_eq!((answer.status, answer.attempts), (told, 1), "{status}");
        let error = &json(&answer.text())["error"];
        assert_eq!(error["code"], json!(told));
        assert_eq!(error["message"], "Bad, [redacted]");
    }
}

#[test]
fn a_stream_that_breaks_after_its_first_event_is_not_begun_again() {
    let (_, mut gateway) = gateway();
    let half = sse(&[
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: {\"cho",
    ]);
    let answer = gateway.send(&post(chat(GPT, r#""stream":true,"#)), |_| {
        UpstreamAnswer::ResetAfter(half.clone())
    });
    assert_sound(&answer, "broken stream");
    assert_eq!(
        (answer.status, answer.attempts, answer.reset, answer.ended),
        (200, 1, true, false)
    );
    assert_eq!(answer.text().matches("data: ").count(), 1);
    let record = record(&answer);
    assert_eq!(
        (&record["finished"], &record["cost"]),
        (&json!(false), &json!(0))
    );
    // The provider may want it all the same.
    assert_eq!(
        (&record["finish"], &record["estimated"]),
        (&json!("error"), &json!(true))
    );
    assert_ne!(record["upstream_cost"], json!(0));
}

#[test]
fn a_caller_who_hangs_up_leaves_a_record() {
    let (_, mut gateway) = gateway();
    let events = ["data: {\"choices\":[{\"text\":\"a\"}]}\n\n"; 5];
    let request = post(chat(GPT, r#""stream":true,"#)).gone_after(2);
    let answer = gateway.send(&request, |_| sse(&events).into());
    assert_eq!(answer.traps, []);
    assert_eq!((answer.chunks.len(), answer.ended), (2, false));
    assert_eq!(record(&answer)["finished"], json!(false));
}

#[test]
fn what_breaks_off_while_it_is_held_has_failed_and_what_a_caller_leaves_has_not() {
    let attempts = |world: &World| {
        let metrics = world.metrics().into_iter();
        let attempts = metrics.filter_map(|(name, value)| {
            let labels = name.strip_prefix("meshrouter_attempts_total;")?;
            Some(format!("{labels} {value}"))
        });
        attempts.collect::<Vec<_>>()
    };
    let mut json = UpstreamResponse::json(200, "{\"choices\":");
    json.chunks.push(b"[]".to_vec());
    for held in [sse(&[": ping\n\n", "data: {\"cho"]), json] {
        let (world, mut gateway) = gateway();
        let request = post(chat(GPT, r#""stream":true,"#));
        gateway.send(&request, |sent| match sent.attempt {
            1 => UpstreamAnswer::ResetAfter(held.clone()),
            _ => completion(),
        });
        gateway.tick().unwrap();
        assert_eq!(
            attempts(&world),
            [
                "provider=alpha;verdict=failed 1",
                "provider=beta;verdict=answered 1"
            ]
        );
        let (world, mut gateway) = crate::gateway();
        let answer = gateway.send(&request.gone_after(1), |_| held.clone().into());
        assert_eq!((answer.attempts, answer.ended), (1, false));
        gateway.tick().unwrap();
        assert_eq!(attempts(&world), ["provider=alpha;verdict=cancelled 1"]);
    }
}
