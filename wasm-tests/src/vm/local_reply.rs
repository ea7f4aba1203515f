//! Answers that do not come from upstream.

use super::headers::HeaderMap;
use super::host::Way;
use super::out::Event;
use super::stream::Stream;

/// An answer that a filter, or the router, gave by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The status.
    pub code: u16,
    /// `response.code_details`.
    pub details: String,
    /// The headers that were asked for, without those that Envoy adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl LocalReply {
    /// A reply without headers of its own.
    pub fn new(code: u16, details: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            code,
            details: details.to_owned(),
            headers: HeaderMap::default(),
            body: body.into(),
        }
    }

    pub(super) fn from_plugin(
        code: u32,
        details: &[u8],
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Self {
        let details = String::from_utf8_lossy(details).replace(char::is_whitespace, "_");
        Self {
            code: u16::try_from(code).unwrap_or(0),
            details,
            headers,
            body,
        }
    }

    /// The response headers that Envoy makes of it.
    fn response_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from([(":status", self.code.to_string())]);
        for (name, value) in self.headers.iter() {
            headers.add(name, value);
        }
        if self.body.is_empty() {
            headers.remove("content-length");
            headers.remove("content-type");
            return headers;
        }
        headers.set("content-length", self.body.len().to_string());
        if headers.get("content-type").is_none() {
            headers.add("content-type", "text/plain");
        }
        headers
    }
}

impl Stream {
    /// Three cases: nothing of a response yet, then the reply goes through the response filters; a response inside
    /// the filters whose headers have not left, then the reply goes straight to the client; headers
    /// have left, then all that remains is a reset.
    pub(super) fn send_local_reply(&mut self, reply: LocalReply) {
        if let Some(way) = self.calling {
            self.side(way).aborted = true;
        }
        self.info.response_code_details = Some(reply.details.clone().into_bytes());
        if self.responding {
            self.break_off();
        } else if self.info.response_headers.is_some() {
            self.reply_directly(reply);
        } else if self.calling == Some(Way::Request) {
            // Run once the callback has been left, so that no filter is entered twice.
            self.prepared.get_or_insert(reply);
        } else {
            self.reply_through_filters(reply);
        }
    }

    pub(super) fn run_prepared_reply(&mut self) {
        if let Some(reply) = self.prepared.take() {
            self.reply_through_filters(reply);
        }
    }

    pub(super) fn lose_upstream(&mut self) {
        let details = "upstream_reset_after_response_started{protocol_error}";
        let body = "upstream connect error or disconnect/reset before headers. reset reason: protocol error";
        self.send_local_reply(LocalReply::new(502, details, body));
    }

    /// The client sees its connection break.
    pub(super) fn break_off(&mut self) {
        self.reset = true;
        self.over = true;
    }

    fn reply_through_filters(&mut self, reply: LocalReply) {
        let end = self.take_reply(&reply);
        self.enter_response_headers(end);
        if !end && !self.over {
            self.enter_response_data(reply.body, true);
        }
    }

    fn reply_directly(&mut self, reply: LocalReply) {
        let end = self.take_reply(&reply);
        let headers = reply.response_headers();
        self.responding = true;
        self.response_complete = true;
        self.over = true;
        self.response.events.push(Event::Headers { headers, end });
        if !end {
            self.response.events.push(Event::Data {
                bytes: reply.body,
                end: true,
            });
        }
    }

    /// Makes the reply the stream's response; true if it has no body to send.
    fn take_reply(&mut self, reply: &LocalReply) -> bool {
        self.info.response_code = Some(reply.code);
        self.info.response_headers = Some(reply.response_headers());
        self.local_reply = Some(reply.clone());
        reply.body.is_empty() || self.info.request_headers.get(":method") == Some(b"HEAD")
    }
}
