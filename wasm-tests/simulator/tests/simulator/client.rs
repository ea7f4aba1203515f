//! A client just big enough for these tests.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use meshrouter_simulator::http1::{Framing, Head, Reader};
use serde_json::{Value, json};

/// A response, and how its body ended.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// When each piece of the body came, from the sending of the request.
    pub(crate) arrivals: Vec<Duration>,
    pub(crate) end: io::Result<()>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The JSON of each SSE event; `[DONE]` is a string.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        let data = text
            .split_terminator("\n\n")
            .filter_map(|event| event.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
            .collect()
    }
}

/// A keep-alive connection.
pub(crate) struct Connection(pub(crate) Reader<TcpStream>);

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self(Reader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.source_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer sk-test\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.write(&[head.as_bytes(), body].concat());
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let sent = Instant::now();
        let head = self
            .0
            .response_head()?
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut framing = Framing::of_response(&head, false)?;
        let mut answer = Answer {
            head,
            body: Vec::new(),
            arrivals: Vec::new(),
            end: Ok(()),
        };
        loop {
            match self.0.body_piece(&mut framing) {
                Ok(Some(piece)) => {
                    answer.body.extend_from_slice(&piece);
                    answer.arrivals.push(sent.elapsed());
                }
                Ok(None) => break,
                Err(error) => {
                    answer.end = Err(error);
                    break;
                }
            }
        }
        Ok(answer)
    }
}

/// A simulator called alpha, whose key is the one that [`Connection::post`] sends.
pub(crate) fn alpha() -> Simulator {
    Simulator::builder("alpha").key("sk-test").start().unwrap()
}

/// The answer to one chat completion, with these fields added to a small request.
pub(crate) fn chat(simulator: &Simulator, fields: Value) -> io::Result<Answer> {
    let mut connection = Connection::new(simulator.address());
    connection.post(
        "/v1/chat/completions",
        request(fields).to_string().as_bytes(),
    )
}

/// A small request with these fields added.
pub(crate) fn request(fields: Value) -> Value {
    let mut request = json!({
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": [{"type": "text", "text": "two words"}]},
        ],
    });
    request
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    request
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(5), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
