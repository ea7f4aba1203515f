//! What leaves a chain.

use super::headers::HeaderMap;
use super::local_reply::LocalReply;

/// Something that left a chain at its far end: the router for a request, the client for a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The headers; `end` if nothing follows.
    Headers {
        /// As they were when they left.
        headers: HeaderMap,
        /// There is no body.
        end: bool,
    },
    /// A piece of body, possibly empty when it is the end.
    Data {
        /// The bytes.
        bytes: Vec<u8>,
        /// The last piece.
        end: bool,
    },
}

/// What came out of a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Out {
    /// The headers, if they came out.
    pub headers: Option<HeaderMap>,
    /// The pieces of body in order; never an empty one.
    pub body: Vec<Vec<u8>>,
    /// The end came out.
    pub ended: bool,
    /// A filter (or the router) answered by itself. What it became on its way to the client is in
    /// `Stream::response`.
    pub local_reply: Option<LocalReply>,
    /// The stream was reset: the client sees a broken connection.
    pub reset: bool,
}

impl Out {
    /// The whole body.
    pub fn bytes(&self) -> Vec<u8> {
        self.body.concat()
    }

    /// The whole body as text, for assertions.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    pub(super) fn of(events: &[Event]) -> Self {
        let mut out = Self::default();
        for event in events {
            match event {
                Event::Headers { headers, end } => {
                    out.headers = Some(headers.clone());
                    out.ended |= end;
                }
                Event::Data { bytes, end } => {
                    out.body.extend((!bytes.is_empty()).then(|| bytes.clone()));
                    out.ended |= end;
                }
            }
        }
        out
    }
}
