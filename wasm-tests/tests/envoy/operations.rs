//! What is served beside chats: embeddings and legacy completions.

use serde_json::json;

use crate::ask::Ask;
use crate::gateway::{error, shared};

#[test]
fn embeddings_are_served_by_those_who_have_them() {
    let gateway = shared();
    let model = "test/embeddings";
    for (path, input, count) in [
        ("/v1/embeddings", json!(["one two", "three"]), 2),
        ("/api/v1/embeddings", json!("one two three"), 1),
    ] {
        let ask = Ask::at(
            path,
            json!({"model": model, "input": input, "dimensions": 3}),
        );
        let ask = ask.on("alpha", json!({"status": 429}));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let answer = response.json();
        assert_eq!(
            (&answer["object"], &answer["model"], &answer["provider"]),
            (&json!("list"), &json!(model), &json!("Beta"))
        );
        assert!(
            answer["id"].as_str().unwrap().starts_with("gen-"),
            "{answer}"
        );
        let data = answer["data"].as_array().unwrap();
        assert_eq!(data.len(), count);
        assert_eq!(
            data[0],
            json!({"object": "embedding", "index": 0, "embedding": [0.0, 0.25, 0.5]})
        );
        assert_eq!(answer["usage"]["prompt_tokens"], 3);
        assert_eq!(answer["usage"]["total_tokens"], 3);
        assert_eq!(answer["usage"]["cost"], 0.000_006);
        let seen = gateway.seen(&ask);
        assert_eq!(seen.len(), 2);
        for (seen, provider) in seen.iter().zip(["alpha", "beta"]) {
            assert_eq!(
                (&*seen.provider, &*seen.request.path),
                (provider, "/v1/embeddings")
            );
            let mut wanted = ask.body();
            wanted["model"] = json!(format!("{provider}-own-name"));
            assert_eq!(seen.request.json(), wanted);
        }
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["prompt_tokens"], &record["completion_tokens"]),
            (&json!(3), &json!(0))
        );
        assert_eq!(
            (&record["attempts"], &record["cost"]),
            (&json!(2), &json!(0.000_006))
        );
    }
    // One who embeds does not chat, and the other way round.
    for ask in [
        Ask::model(model),
        Ask::at(
            "/v1/embeddings",
            json!({"model": "test/free", "input": "x"}),
        ),
    ] {
        error(&gateway.send(&ask), 404);
        assert!(gateway.seen(&ask).is_empty());
    }
}

#[test]
fn legacy_completions_are_served_by_those_who_have_them() {
    let gateway = shared();
    let said = "Hello from beta. You said: One two three";
    for prompt in [json!("One two three"), json!(["One two three"])] {
        for stream in [false, true] {
            let members = json!({"model": "test/legacy", "prompt": prompt, "stream": stream,
                "usage": {"include": true}});
            let ask = Ask::at("/api/v1/completions", members).on("alpha", json!({"status": 503}));
            let response = gateway.send(&ask);
            assert_eq!(response.status, 200, "{}", response.text());
            let answers = if stream {
                response.sse_json()
            } else {
                vec![response.json()]
            };
            let texts = answers
                .iter()
                .filter_map(|answer| answer["choices"][0]["text"].as_str());
            assert_eq!(texts.collect::<String>(), said);
            for answer in &answers {
                assert_eq!(
                    (&answer["object"], &answer["model"], &answer["provider"]),
                    (
                        &json!("text_completion"),
                        &json!("test/legacy"),
                        &json!("Beta")
                    )
                );
            }
            let usage = &answers.last().unwrap()["usage"];
            assert_eq!(
                (&usage["prompt_tokens"], &usage["completion_tokens"]),
                (&json!(3), &json!(8))
            );
            if stream {
                let done = response
                    .sse_data()
                    .iter()
                    .filter(|data| *data == "[DONE]")
                    .count();
                assert_eq!(done, 1);
            }
            let seen = gateway.seen(&ask);
            assert_eq!(seen.len(), 2);
            for seen in seen {
                assert_eq!(seen.request.path, "/v1/completions");
                assert_eq!(seen.request.json()["prompt"], prompt);
            }
        }
    }
}
