//! A request, and how it goes over the wire.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    chunked: Option<usize>,
}

impl Request {
    /// A request with this method.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            chunked: None,
        }
    }

    /// A GET.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST.
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// Adds a header; the value is sent as it is, whatever its bytes.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds `authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// The body, and that it is JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// The body as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks of this size instead of with its length.
    #[must_use]
    pub fn chunked(mut self, size: usize) -> Self {
        self.chunked = Some(size.max(1));
        self
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The request as it goes over the wire.
    pub(super) fn wire(&self, host: SocketAddr) -> Vec<u8> {
        let mut wire = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            write!(wire, "host: {host}\r\n").expect("strings take writes");
        }
        match self.chunked {
            Some(_) => wire.push_str("transfer-encoding: chunked\r\n"),
            None if self.body.is_empty() && self.method == "GET" => {}
            None => write!(wire, "content-length: {}\r\n", self.body.len())
                .expect("strings take writes"),
        }
        let mut wire = wire.into_bytes();
        for (name, value) in &self.headers {
            wire.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        wire.extend(b"\r\n");
        let Some(size) = self.chunked else {
            wire.extend(&self.body);
            return wire;
        };
        for chunk in self.body.chunks(size) {
            wire.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            wire.extend([chunk, b"\r\n"].concat());
        }
        wire.extend(b"0\r\n\r\n");
        wire
    }
}
