//! The edge chain.

use std::hint::black_box;

use meshrouter_core::names::{header, property};
use meshrouter_host::Direction::{Request, Response};
use meshrouter_host::{Flow, Host, send_whole};

use crate::filter::{bytes, filter};

/// The places of a model's health, an account's balance and a generation among shared data.
pub(crate) const HEALTH: &str = "health/openai/gpt-4o-mini";
const BALANCE: &str = "balance/openai/gpt-4o-mini-d38bddd";
const GENERATION: &str = "generation/4711";
const KEY: &str = "key/d38bdddf004b80ac7e23b8af286648eed48054dc030bbcb509128092c60e2f75";

filter! {
    /// As `auth`.
    Auth {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.headers(Request));
            host.remove_header(Request, "authorization");
            black_box(host.shared(KEY));
            host.set_property(property::KEY, &bytes::<12>());
            Flow::Continue
        }
    }
}

filter! {
    /// As `normalize`.
    Normalize {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.headers(Request));
            Flow::Pause
        }

        fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
            if !end {
                return Flow::Pause;
            }
            black_box(host.body(Request));
            black_box(host.property(&[property::KEY]));
            black_box(host.now());
            host.set_property(property::FACTS, &bytes::<122>());
            host.set_header(Request, header::REQUEST, &bytes::<144>());
            Flow::Continue
        }

        fn on_response_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.headers(Response));
            host.remove_header(Response, header::OUTCOME);
            host.set_header(Response, header::ATTEMPTS, b"1");
            Flow::Continue
        }
    }
}

filter! {
    /// As `select`.
    Select {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.property(&[property::FACTS]));
            black_box(host.shared(HEALTH));
            host.set_header(Request, header::PLAN, &bytes::<73>());
            host.set_header(Request, header::ENVOY_MAX_RETRIES, b"2");
            if let Some(groups) = &self.0.groups {
                host.set_header(Request, header::GROUPS, groups.as_bytes());
            }
            Flow::Continue
        }
    }
}

filter! {
    /// As `healing`.
    Healing {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.property(&[property::SHAPES]));
            Flow::Continue
        }
    }
}

filter! {
    /// As `usage`.
    Usage {
        fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
            black_box(host.property(&[property::FACTS]));
            black_box(host.property(&[property::KEY]));
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
            black_box(host.now());
            let mut body = host.body(Response);
            body.extend(bytes::<82>());
            send_whole(host, Response, &body);
            Flow::Continue
        }

        fn on_log(&mut self, host: &mut impl Host) {
            black_box(host.now());
            host.observe("meshrouter_latency_ms;model=openai/gpt-4o-mini", 2);
            let (_, token) = host.shared(BALANCE);
            host.set_shared(BALANCE, &bytes::<64>(), token);
            host.set_shared(GENERATION, &bytes::<690>(), None);
            host.set_property(property::RECORD, &bytes::<587>());
        }
    }
}
