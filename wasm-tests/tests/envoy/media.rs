//! Content parts other than text: those that are right reach the provider as they are, those that are wrong nobody.

use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI};
use crate::gateway::{error, shared};

fn asking(parts: &[Value]) -> Ask {
    let first = json!({"role": "system", "content": "x"});
    let message = json!({"role": "user", "content": parts});
    Ask::with(json!({"model": "test/media", "messages": [first, message]}))
}

#[test]
fn media_reach_the_provider_untouched() {
    let gateway = shared();
    let parts = [
        json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}),
        json!({"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}, "cache_control": {"type": "ephemeral"}}),
        json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
        json!({"type": "file", "file": {"file_id": "file-1"}}),
        json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
        json!({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}),
        json!({"type": "of_tomorrow", "of_tomorrow": 1}),
        json!({"type": "text", "text": "One two"}),
    ];
    let ask = asking(&parts).on("alpha", json!({"status": 503}));
    let response = gateway.send(&ask);
    assert_eq!(response.status, 200, "{}", response.text());
    let seen = gateway.seen(&ask);
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert_eq!(seen.request.json()["messages"], ask.body()["messages"]);
    }
}

#[test]
fn a_model_that_does_not_read_them_is_not_asked() {
    let gateway = shared();
    let part = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let message = json!({"role": "user", "content": [part]});
    let ask = |models: Value| Ask::with(json!({"models": models, "messages": [message]}));
    let refused = ask(json!([LLAMA]));
    let response = gateway.send(&refused);
    let error = error(&response, 404);
    let wanted = format!("No endpoints found for `{LLAMA}` that take all of this input: image.");
    assert_eq!(error["message"], wanted);
    let endpoints: Vec<_> = error["metadata"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| (&reason["endpoint"], &reason["constraint"]))
        .collect();
    let why = json!("input_modalities");
    let (gamma, alpha) = (json!("gamma"), json!("alpha"));
    assert_eq!(endpoints, [(&gamma, &why), (&alpha, &why)]);
    assert_eq!(gateway.seen(&refused).len(), 0);
    let response = gateway.send(&ask(json!([LLAMA, MINI])));
    assert_eq!(response.json()["model"], MINI, "{}", response.text());
}

#[test]
fn a_wrong_part_is_named_by_its_path() {
    let gateway = shared();
    let image = |url: Value| json!({"type": "image_url", "image_url": {"url": url}});
    let audio = |audio: Value| json!({"type": "input_audio", "input_audio": audio});
    let cases = [
        (json!(7), ""),
        (json!({"text": "x"}), ".type"),
        (json!({"type": "text"}), ".text"),
        (json!({"type": "text", "text": 7}), ".text"),
        (json!({"type": "image_url"}), ".image_url"),
        (
            json!({"type": "image_url", "image_url": "https://example.com/a.png"}),
            ".image_url",
        ),
        (
            json!({"type": "image_url", "image_url": {}}),
            ".image_url.url",
        ),
        (image(json!(7)), ".image_url.url"),
        (image(json!("file:///etc/passwd")), ".image_url.url"),
        (image(json!("data:image/png,raw")), ".image_url.url"),
        (image(json!("data:image/png;base64,")), ".image_url.url"),
        (
            image(json!("data:image/png;base64,no base64!")),
            ".image_url.url",
        ),
        (
            image(json!("data:image/tiff;base64,AAAA")),
            ".image_url.url",
        ),
        (image(json!("data:text/html;base64,AAAA")), ".image_url.url"),
        (json!({"type": "file", "file": {}}), ".file.file_data"),
        (
            json!({"type": "file", "file": {"file_data": "JVBERi0="}}),
            ".file.file_data",
        ),
        (audio(json!({"data": "AAAA"})), ".input_audio.format"),
        (audio(json!({"format": "wav"})), ".input_audio.data"),
        (
            audio(json!({"format": "wav", "data": "data:audio/wav;base64,AAAA"})),
            ".input_audio.data",
        ),
        (
            json!({"type": "video_url", "video_url": {"url": "data:image/png;base64,AAAA"}}),
            ".video_url.url",
        ),
    ];
    for (part, field) in cases {
        let ask = asking(&[json!({"type": "text", "text": "x"}), part.clone()]);
        let found = error(&gateway.send(&ask), 400);
        let path = format!("messages[1].content[1]{field}");
        assert_eq!(found["metadata"]["field"], path, "{part}: {found}");
        let message = found["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{path}`")), "{part}: {message}");
        assert!(gateway.seen(&ask).is_empty());
    }
}
