//! HTTP/2 without TLS, spoken by hand: frames of any size, and trailers, which HTTP/1 callers do not send.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::{Gateway, eventually, shared, text};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// The reason of a reset: it is no longer wanted.
const CANCEL: u32 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head, &stream.to_be_bytes()[..], payload].concat()
}

/// A header block of literals that are not indexed.
fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let header = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    headers.iter().flat_map(header).collect()
}

/// The body of the response to a request whose body comes in frames of this size.
fn exchange(gateway: &Gateway, ask: &Ask, size: usize, trailers: bool) -> String {
    exchange_until(gateway, ask, size, trailers, None)
}

/// The same, reset by the caller once it holds a word.
fn exchange_until(
    gateway: &Gateway,
    ask: &Ask,
    size: usize,
    trailers: bool,
    word: Option<&str>,
) -> String {
    let body = ask.body().to_string();
    let credential = format!("Bearer {}", ask.key());
    let headers = block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/api/v1/chat/completions"),
        (":authority", "gateway"),
        ("authorization", &credential),
        ("content-type", "application/json"),
    ]);
    let mut wire = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    wire.extend(frame(SETTINGS, 0, 0, b""));
    wire.extend(frame(HEADERS, END_HEADERS, 1, &headers));
    let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
    for (number, chunk) in chunks.iter().enumerate() {
        let last = number + 1 == chunks.len() && !trailers;
        wire.extend(frame(DATA, if last { END_STREAM } else { 0 }, 1, chunk));
    }
    if trailers {
        let trailers = block(&[("x-checksum", "1")]);
        wire.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers));
    }
    let mut stream = gateway.connect();
    stream.write_all(&wire).unwrap();
    let mut answer = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        match (head[3], head[4]) {
            (SETTINGS, flags) if flags & ACK == 0 => {
                stream.write_all(&frame(SETTINGS, ACK, 0, b"")).unwrap();
            }
            (RST_STREAM | GOAWAY, _) => panic!("{head:?} {payload:?}"),
            (DATA, _) => answer.extend(payload),
            _ => {}
        }
        if word.is_some_and(|word| String::from_utf8_lossy(&answer).contains(word)) {
            let reset = frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
            stream.write_all(&reset).unwrap();
            // The connection lives on: it is the stream that is over.
            eventually("a record", || {
                let lines = gateway.envoy.access_log().into_iter();
                let mut keys = lines.map(|line| line["completion"]["key"].clone());
                keys.any(|key| key == ask.key_name())
            });
            return String::from_utf8(answer).unwrap();
        }
        if matches!(head[3], DATA | HEADERS) && head[4] & END_STREAM != 0 {
            return String::from_utf8(answer).unwrap();
        }
    }
}

#[test]
fn requests_over_http2_are_served_however_they_are_framed() {
    let gateway = shared();
    let content = "word ".repeat(8_000);
    let messages = json!([{"role": "user", "content": content}]);
    for (size, trailers) in [
        (16_384, false),
        (1_000, false),
        (16_384, true),
        (1_000, true),
    ] {
        for stream in [false, true] {
            let ask = Ask::with(json!({"model": MINI, "messages": messages, "stream": stream}))
                .on("alpha", json!({"status": 503}))
                .on("beta", json!({"content": "Good day"}));
            let answer = exchange(&gateway, &ask, size, trailers);
            let what = format!("frames of {size}, trailers: {trailers}: {answer}");
            let seen = gateway.seen(&ask);
            assert_eq!(seen.len(), 2, "{what}");
            assert_eq!(seen[1].request.json()["messages"], messages, "{what}");
            let length = seen[1].request.body.len().to_string();
            assert_eq!(
                seen[1].request.header("content-length"),
                Some(&*length),
                "{what}"
            );
            let said = if stream {
                let data = meshrouter_wasm_tests::client::sse_data(&answer).into_iter();
                let chunks: Vec<Value> = data
                    .filter(|data| data != "[DONE]")
                    .map(|data| serde_json::from_str(&data).unwrap())
                    .collect();
                text(&chunks)
            } else {
                let answer: Value = serde_json::from_str(&answer).unwrap();
                answer["choices"][0]["message"]["content"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            assert_eq!(said, "Good day", "{what}");
        }
    }
    gateway.assert_calm();
}

#[test]
fn a_stream_that_its_caller_resets_is_recorded_as_left() {
    let gateway = shared();
    let ask = Ask::model(MINI)
        .stream()
        .on("alpha", json!({"hold_ms_after_first": 30_000}));
    let answer = exchange_until(&gateway, &ask, 16_384, false, Some("Hello"));
    let record = gateway.record(&ask);
    let (cancelled, finished) = (&record["cancelled"], &record["finished"]);
    assert_eq!([cancelled, finished], [true, false], "{answer}: {record}");
    assert_ne!(record["cost"], json!(0), "{record}");
}
