//! What a chain makes of its document, its deadlines, its background work and its properties.

use meshrouter_core::names::property;

use super::*;
use crate::fake::Fake;
use crate::{Answer, Background, Backstage, Chain, Fused, Properties};

/// Holds the response's headers until 7 o'clock, and leaves properties.
struct First {
    late: u64,
}

impl Filter for First {
    type Document = Anything;
    type Settings = u64;

    const NAME: &'static str = "first";
    const HAS_DEADLINES: bool = true;

    fn configure(_: Anything) -> Result<u64, DocumentError> {
        Ok(7)
    }

    fn new(late: Rc<u64>) -> Self {
        Self { late: *late }
    }

    fn background(_: &Rc<u64>) -> Option<Box<dyn Background>> {
        Some(Box::new(Caller("first", None)))
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        host.set_property(property::KEY, b"mine");
        host.set_property(property::KEY, b"ours");
        host.set_property(property::RECORD, b"{}");
        host.set_property(property::CARRIED, b"on");
        Flow::Continue
    }

    fn on_response_headers(&mut self, _host: &mut impl Host, _end: bool) -> Flow {
        Flow::Pause
    }

    fn is_late(&mut self, now: u64) -> bool {
        now >= self.late
    }

    fn on_deadline(&mut self, _host: &mut impl Host) -> Flow {
        self.late = u64::MAX;
        Flow::Continue
    }
}

/// Says in a header which properties it finds.
struct Second;

impl Filter for Second {
    type Document = Anything;
    type Settings = ();

    const NAME: &'static str = "second";

    fn configure(_: Anything) -> Result<(), DocumentError> {
        Ok(())
    }

    fn new(_: Rc<()>) -> Self {
        Self
    }

    fn background(_: &Rc<()>) -> Option<Box<dyn Background>> {
        Some(Box::new(Caller("second", None)))
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let names: [&[&str]; 3] = [
            &[property::SHAPES],
            &[property::KEY],
            &["response", "code_details"],
        ];
        let found = names.map(|name| host.property(name).unwrap_or_default());
        host.set_header(Direction::Request, "x-found", &found.join(&b","[..]));
        Flow::Continue
    }
}

/// Calls once, and counts the answer to its call.
struct Caller(&'static str, Option<u32>);

impl Background for Caller {
    fn on_tick(&mut self, host: &mut dyn Backstage) {
        self.1 = host.post(self.0, "", "", b"", 1);
    }

    fn on_answer(&mut self, host: &mut dyn Backstage, call: u32, _: &Answer) {
        if self.1 == Some(call) {
            host.count(self.0, 1);
        }
    }
}

type Both = Chain<First, Second>;

fn settings() -> Rc<<Both as Filter>::Settings> {
    Rc::new(Both::settings(b"{}").unwrap())
}

#[test]
fn a_part_that_refuses_the_document_is_named() {
    type Refusing = chain!(First, Scripted, Second);
    let refusal = Refusing::settings(b"{}").err().unwrap();
    assert_eq!(
        refusal.to_string(),
        "scripted: gateway document: here: not of this kind"
    );
    let refusal = Both::settings(b"[").err().unwrap();
    assert_eq!(refusal.filter, "first");
}

#[test]
fn properties_for_filters_stay_in_the_module() {
    let mut stream = Stream::<Fused<Both>>::new(&settings());
    let details = ("response.code_details".to_owned(), b"details".to_vec());
    stream.host.properties.extend([details]);
    stream.headers(Direction::Request, &[], true);
    let found = stream.header(Direction::Request, "x-found");
    assert_eq!(found.as_deref(), Some(",ours,details"));
    assert_eq!(stream.host.lookups.get(), 1, "the host's own");
    let others = [property::RECORD, property::CARRIED, property::KEY];
    let known = others.map(|name| stream.host.property(&[name]));
    assert_eq!(known, [Some(b"{}".to_vec()), Some(b"on".to_vec()), None]);
}

#[test]
fn a_deadline_lets_go_what_the_first_holds() {
    const { assert!(Both::HAS_DEADLINES && !<Chain<Second, Second>>::HAS_DEADLINES) };
    let mut stream = Stream::<Both>::new(&settings());
    stream.headers(Direction::Request, &[], true);
    assert_eq!(stream.headers(Direction::Response, &[], false), Flow::Pause);
    assert!(!stream.wait(6) && !stream.released(Direction::Response));
    assert!(stream.wait(1) && stream.released(Direction::Response));
}

/// A response that the second holds has not come to the first, which cannot let it go.
#[test]
fn a_deadline_lets_nothing_go_that_the_first_has_not_seen() {
    type Held = Chain<First, Scripted>;
    let script = Script {
        name: "b",
        said: Said::default(),
        does: BTreeMap::from([("response headers", vec![Do::Pause])]),
    };
    let mut stream = Stream::<Held>::new(&Rc::new((Rc::new(7), Rc::new(script))));
    stream.headers(Direction::Request, &[], true);
    assert_eq!(stream.headers(Direction::Response, &[], false), Flow::Pause);
    assert!(stream.wait(7) && !stream.released(Direction::Response));
}

#[test]
fn an_answer_is_for_who_asked() {
    let mut background = Both::background(&settings()).unwrap();
    let mut host = Fake::default();
    background.on_tick(&mut host);
    assert_eq!(host.calls.len(), 2);
    background.on_answer(&mut host, 2, &Answer::default());
    let counted: Vec<_> = host.metrics.into_iter().collect();
    assert_eq!(counted, [("second".to_owned(), 1)]);
}
