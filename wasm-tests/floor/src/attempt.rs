//! The attempt chain.

use std::hint::black_box;

use meshrouter_core::names::{header, property};
use meshrouter_host::Direction::{Request, Response};
use meshrouter_host::{Flow, Host};

use crate::edge::HEALTH;
use crate::filter::{bytes, filter};

/// The place of a conversation among shared data.
const AFFINITY: &str = "affinity/12345";

/// What a body loses when the model gets the provider's name.
const SHORTER: usize = 7;

filter! {
    /// As `fallback`.
    Fallback {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.headers(Request));
            if self.0.groups.is_some() {
                host.set_property(property::CARRIED, &bytes::<521>());
            }
            black_box(host.now());
            Flow::Pause
        }

        fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
            if !end {
                return Flow::Pause;
            }
            let mut body = host.body(Request);
            body.truncate(body.len().saturating_sub(SHORTER));
            let length = body.len().to_string();
            let headers: [(&str, &[u8]); 10] = [
                (":method", b"POST"),
                (":path", b"/v1/chat/completions"),
                (":scheme", b"http"),
                (":authority", b"alpha"),
                ("accept", b"application/json"),
                ("content-type", b"application/json"),
                ("x-request-id", &bytes::<36>()),
                ("x-forwarded-proto", b"http"),
                (header::CLUSTER, b"alpha"),
                ("content-length", length.as_bytes()),
            ];
            host.set_headers(Request, &headers);
            host.set_body(Request, &body);
            Flow::Continue
        }

        fn on_response_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.headers(Response));
            Flow::Pause
        }

        fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
            if !end {
                return Flow::Pause;
            }
            let mut body = host.body(Response);
            body.extend(bytes::<79>());
            let length = body.len().to_string();
            let headers: [(&str, &[u8]); 5] = [
                (":status", b"200"),
                ("content-type", b"application/json"),
                ("content-length", length.as_bytes()),
                ("x-generation-id", &bytes::<35>()),
                (header::OUTCOME, &bytes::<34>()),
            ];
            host.set_headers(Response, &headers);
            black_box(host.now());
            host.set_shared(AFFINITY, &bytes::<40>(), None);
            let (_, token) = host.shared(HEALTH);
            host.set_shared(HEALTH, &bytes::<480>(), token);
            host.set_body(Response, &body);
            Flow::Continue
        }
    }
}

filter! {
    /// As `middle-out`.
    MiddleOut {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.property(&[property::ATTEMPT]));
            Flow::Continue
        }
    }
}
