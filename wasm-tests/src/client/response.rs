//! A response that was read to its end.

use std::io;

use serde_json::Value;

/// A response with as much of its body as came.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers in order, names as they were sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
    /// Why the body ended too early, if it did.
    pub error: Option<io::Error>,
}

impl Response {
    /// The first header of this name, in whatever case; nothing if it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, Vec<u8>)| key.eq_ignore_ascii_case(name);
        let (_, value) = self.headers.iter().find(named)?;
        std::str::from_utf8(value).ok()
    }

    /// True if the body is whole.
    pub fn is_whole(&self) -> bool {
        self.error.is_none()
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON, showing it.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("status {}, {error}: {}", self.status, self.text()),
        }
    }

    /// The data of each SSE event, see [`sse_data`].
    pub fn sse_data(&self) -> Vec<String> {
        sse_data(&self.text())
    }

    /// The JSON of each SSE event but `[DONE]`.
    ///
    /// # Panics
    /// If the data of one is not JSON, showing it.
    pub fn sse_json(&self) -> Vec<Value> {
        let data = self.sse_data().into_iter().filter(|data| data != "[DONE]");
        let parse = |data: String| {
            serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"))
        };
        data.map(parse).collect()
    }
}

/// The data of each SSE event of a whole stream: one `data:` line each, as all providers write them.
pub fn sse_data(stream: &str) -> Vec<String> {
    let data = |line: &str| {
        line.strip_prefix("data:")
            .map(|data| data.trim_start().to_owned())
    };
    stream.lines().filter_map(data).collect()
}
