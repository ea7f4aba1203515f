//! Request bodies: large ones, and every way to send one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use meshrouter_wasm_tests::client::Request;
use serde_json::json;

use crate::ask::{Ask, MINI};
use crate::gateway::{Gateway, error, shared};

const MEGABYTE: usize = 1 << 20;
/// `per_connection_buffer_limit_bytes` of the shipped configuration.
const LIMIT: usize = 32 * MEGABYTE;

/// A completion about an image, whose body has exactly this many bytes.
fn large(bytes: usize, simulate: &serde_json::Value) -> Request {
    let body = |image: &str, pad: &str| {
        let image = json!({"url": format!("data:image/png;base64,{image}")});
        let content = [
            json!({"type": "text", "text": "What is this?"}),
            json!({"type": "image_url", "image_url": image}),
        ];
        let messages = [json!({"role": "user", "content": content})];
        json!({"model": MINI, "simulate": simulate, "messages": messages, "pad": pad}).to_string()
    };
    let rest = bytes - body("", "").len();
    // Base64 comes in fours.
    let body = body(&"A".repeat(rest - rest % 4), &"x".repeat(rest % 4));
    Request::post("/v1/chat/completions")
        .bearer("sk-or-v1-demo")
        .body(body)
}

#[test]
fn twenty_megabytes_fall_back_and_more_than_the_limit_is_413() {
    let gateway = Gateway::start(|envoy| envoy);
    let client = gateway.envoy.client();
    let failing = json!({"alpha": {"status": 503}, "beta": {"reset": "before_headers"}});
    let response = client.send(large(20 * MEGABYTE, &failing));
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.json()["provider"], "Gamma");
    let lengths = gateway.providers.all().map(|provider| {
        let requests = provider.take_requests();
        let lengths: Vec<_> = requests.iter().map(|request| request.body.len()).collect();
        lengths
    });
    // Only the model's name is of another length.
    let less = |name: &str| 20 * MEGABYTE - MINI.len() + name.len();
    let wanted = ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "azure/gpt-4o-mini"];
    assert_eq!(lengths, wanted.map(|name| vec![less(name)]));

    let whole = large(LIMIT + 1, &json!({}));
    for request in [whole.clone().chunked(MEGABYTE), whole] {
        let found = error(&client.send(request), 413);
        let message = found["message"].as_str().unwrap();
        assert!(message.contains("33554432 bytes"), "{message}");
    }
    for provider in gateway.providers.all() {
        assert!(provider.take_requests().is_empty());
    }
}

#[test]
fn a_chunked_upload_arrives_whole_with_its_length() {
    let gateway = shared();
    for size in [1, 7, 100_000] {
        let ask = Ask::model(MINI).on("alpha", json!({"status": 500}));
        let response = gateway.envoy.client().send(ask.request().chunked(size));
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = gateway.seen(&ask);
        assert_eq!(seen.len(), 2);
        for seen in seen {
            let length = seen.request.body.len().to_string();
            assert_eq!(seen.request.header("content-length"), Some(&*length));
            assert_eq!(seen.request.header("transfer-encoding"), None);
            assert_eq!(seen.request.json()["messages"], ask.body()["messages"]);
        }
    }
}

/// What comes back until the connection ends.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_body_may_come_in_many_pieces() {
    let gateway = shared();
    let ask = Ask::model(MINI).on("alpha", json!({"status": 503}));
    let body = ask.body().to_string();
    let mut stream = gateway.connect();
    for piece in (ask.head(body.len(), "") + &body).as_bytes().chunks(5) {
        stream.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"provider\":\"Beta\""), "{answer}");
}

#[test]
fn a_caller_who_waits_to_be_invited_is() {
    let gateway = shared();
    let ask = Ask::model(MINI);
    let body = ask.body().to_string();
    let mut stream = gateway.connect();
    let head = ask.head(body.len(), "expect: 100-continue\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut invited = [0; 25];
    stream.read_exact(&mut invited).unwrap();
    assert_eq!(&invited, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(gateway.asked(&ask), ["alpha"]);
    assert_eq!(gateway.seen(&ask)[0].request.header("expect"), None);
}

#[test]
fn a_caller_who_leaves_before_the_body_is_whole_asks_nobody() {
    let gateway = shared();
    let ask = Ask::model(MINI);
    let body = ask.body().to_string();
    let mut stream = gateway.connect();
    let wire = ask.head(body.len(), "") + &body[..body.len() - 1];
    stream.write_all(wire.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(stream);
    // Another request on the same worker comes after the first has ended.
    assert_eq!(gateway.send(&Ask::model(MINI)).status, 200);
    assert!(gateway.seen(&ask).is_empty());
    gateway.assert_calm();
}
