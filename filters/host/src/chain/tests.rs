//! Each rule of Envoy's filter manager, between filters that do what a script says.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use meshrouter_core::DocumentError;
use serde::Deserialize;

use crate::fake::Stream;
use crate::{Direction, Filter, Flow, Host, Reply};

mod relays;
mod settings;

/// What callbacks said, in order.
type Said = Rc<RefCell<Vec<String>>>;

/// What a callback does.
#[derive(Debug, Clone, Copy)]
enum Do {
    Pass,
    Pause,
    /// Replaces the body that it sees, and passes or pauses.
    Write(&'static str, Flow),
    Reply,
}

/// A filter of the tests: its name, and for each callback what it does the first time, the second, …
struct Script {
    name: &'static str,
    said: Said,
    does: BTreeMap<&'static str, Vec<Do>>,
}

/// A filter that does what its script says and passes everything else.
struct Scripted {
    script: Rc<Script>,
    left: BTreeMap<&'static str, VecDeque<Do>>,
}

#[derive(Deserialize)]
struct Anything {}

impl Scripted {
    fn act(
        &mut self,
        host: &mut impl Host,
        callback: &'static str,
        of: Direction,
        end: bool,
    ) -> Flow {
        let mut line = format!("{} {callback}", self.script.name);
        if callback.ends_with("body") {
            let body = String::from_utf8(host.body(of)).unwrap();
            assert_eq!(host.body_size(of), body.len());
            line.push_str(&format!(" `{body}`"));
        }
        if end {
            line.push_str(" end");
        }
        self.script.said.borrow_mut().push(line);
        let next = self.left.get_mut(callback).and_then(VecDeque::pop_front);
        match next.unwrap_or(Do::Pass) {
            Do::Pass => Flow::Continue,
            Do::Pause => Flow::Pause,
            Do::Write(bytes, flow) => {
                host.set_body(of, bytes.as_bytes());
                flow
            }
            Do::Reply => {
                host.reply(&Reply::empty(418));
                Flow::Replied
            }
        }
    }
}

impl Filter for Scripted {
    type Document = Anything;
    type Settings = Script;

    const NAME: &'static str = "scripted";

    fn configure(_: Anything) -> Result<Script, DocumentError> {
        Err(DocumentError::new("here", "not of this kind"))
    }

    fn new(script: Rc<Script>) -> Self {
        let left = script.does.iter();
        Self {
            left: left
                .map(|(callback, does)| (*callback, does.iter().copied().collect()))
                .collect(),
            script,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.act(host, "request headers", Direction::Request, end)
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.act(host, "request body", Direction::Request, end)
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.act(host, "response headers", Direction::Response, end)
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.act(host, "response body", Direction::Response, end)
    }

    fn on_log(&mut self, _host: &mut impl Host) {
        let line = format!("{} log", self.script.name);
        self.script.said.borrow_mut().push(line);
    }
}

type Three = chain!(Scripted, Scripted, Scripted);

/// A stream through the filters `a`, `b` and `c`, and what they say.
struct Run {
    stream: Stream<Three>,
    said: Said,
}

/// What one of the three does: its name, a callback, and its actions in turn.
type Line = (&'static str, &'static str, &'static [Do]);

impl Run {
    fn new(lines: &[Line]) -> Self {
        let said = Said::default();
        let script = |name: &'static str| {
            let own = lines.iter().filter(|line| line.0 == name);
            Rc::new(Script {
                name,
                said: Rc::clone(&said),
                does: own.map(|line| (line.1, line.2.to_vec())).collect(),
            })
        };
        let rest = Rc::new((script("b"), script("c")));
        Self {
            stream: Stream::new(&Rc::new((script("a"), rest))),
            said,
        }
    }

    fn headers(&mut self, of: Direction, end: bool) -> Flow {
        self.stream.headers(of, &[], end)
    }

    fn body(&mut self, of: Direction, bytes: &str, end: bool) -> Flow {
        self.stream.body(of, bytes.as_bytes(), end)
    }

    fn forget(&self) {
        self.said.borrow_mut().clear();
    }

    /// Checks what was said since the last time.
    #[track_caller]
    fn heard(&self, lines: &[&str]) {
        assert_eq!(std::mem::take(&mut *self.said.borrow_mut()), lines);
    }
}
