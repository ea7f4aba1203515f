use std::collections::BTreeMap;

use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_core::document::{Allowance, Budget, LimitReset};
use meshrouter_core::facts::Choice;
use meshrouter_core::money::Usd;
use meshrouter_core::names::{header, property};
use meshrouter_core::tokens::Estimate;
use meshrouter_core::{Facts, Plan};
use meshrouter_host::fake::{Stream, settings};
use meshrouter_host::{Direction, Flow};
use meshrouter_ledger::{Balance, Period, budget_key, generation, key};
use serde_json::Value;

use crate::UsageFilter;

const DOCUMENT: &str = r#"{"providers": {"alpha": {"cluster": "alpha"}}, "byok_fee": "0.1", "models": [
    {"id": "a/one", "context_length": 100000, "endpoints": [{"provider": "alpha", "max_completion_tokens": 50000,
     "pricing": {"prompt": "0.000001", "completion": "0.00001"}}]},
    {"id": "a/two", "context_length": 100000, "endpoints": [{"provider": "alpha",
     "pricing": {"prompt": "0.000001", "completion": "0.00002"}}]},
    {"id": "a/one:free", "context_length": 100000, "endpoints": [{"provider": "alpha", "variant": "free",
     "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

/// 2026-11-25, noon, in seconds.
const NOON: u64 = 20_782 * 86_400 + 43_200;

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap()
}

/// Requests of one key, one after the other or at once.
struct Caller {
    allowance: Allowance,
    shared: BTreeMap<String, (Vec<u8>, u32)>,
    seconds: u64,
}

impl Caller {
    fn of(allowance: Allowance) -> Self {
        Self {
            allowance,
            shared: BTreeMap::new(),
            seconds: NOON,
        }
    }

    fn limited_to(limit: &str) -> Self {
        Self::of(Allowance {
            limit: Some(usd(limit)),
            ..Allowance::default()
        })
    }

    /// Begins a request of some thousand tokens with this bound on its completion.
    fn begin(&mut self, plan: &str, max_tokens: Option<u64>) -> (Stream<UsageFilter>, Flow) {
        let facts = Facts {
            generation: "gen-1".to_owned(),
            started: self.seconds * 1_000_000_000,
            models: vec![Choice::default()],
            estimate: Estimate::of_tokens(10_000),
            max_tokens,
            ..Facts::default()
        };
        let account = Account {
            key: "team".to_owned(),
            allowance: self.allowance.clone(),
            ..Account::default()
        };
        let mut stream = Stream::new(&settings::<UsageFilter>(DOCUMENT).unwrap());
        stream.host.time = self.seconds * 1_000_000_000;
        let properties = &mut stream.host.properties;
        properties.insert(property::FACTS.to_owned(), facts.encode());
        properties.insert(property::KEY.to_owned(), account.encode());
        stream.host.shared = self.shared.clone();
        let headers = [(header::PLAN, plan)];
        let flow = stream.headers(Direction::Request, &headers, false);
        self.shared = stream.host.shared.clone();
        (stream, flow)
    }

    fn refused(
        &mut self,
        plan: &str,
        max_tokens: Option<u64>,
    ) -> (u16, String, Stream<UsageFilter>) {
        let (stream, flow) = self.begin(plan, max_tokens);
        assert_eq!(flow, Flow::Replied);
        let reply = stream.host.reply.clone().unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap(), stream)
    }

    /// The request ends after so many tokens, served by this candidate.
    fn end(&mut self, mut stream: Stream<UsageFilter>, candidate: &str, tokens: [u64; 2]) -> Value {
        let outcome = format!("1;{candidate}");
        let headers = [(":status", "200"), (header::OUTCOME, &outcome)];
        stream.headers(Direction::Response, &headers, false);
        let [prompt, completion] = tokens;
        let body = format!(
            r#"{{"choices": [{{"finish_reason": "stop", "message": {{"content": "x"}}}}],
                "usage": {{"prompt_tokens": {prompt}, "completion_tokens": {completion}}}}}"#
        );
        stream.body(Direction::Response, body.as_bytes(), true);
        self.log(stream)
    }

    fn log(&mut self, mut stream: Stream<UsageFilter>) -> Value {
        stream.host.shared = self.shared.clone();
        stream.log();
        self.shared = stream.host.shared.clone();
        serde_json::from_slice(&stream.host.properties[property::RECORD]).unwrap()
    }

    /// What was spent and what is reserved, in nano-dollars.
    fn balance(&self, name: &str) -> [u64; 2] {
        let bytes = self.shared.get(name).map(|(bytes, _)| bytes.as_slice());
        let balance = Balance::decode(bytes);
        let spent = balance.spent(LimitReset::Never, Period::of(self.seconds));
        [spent.spent, balance.reserved(self.seconds).nano()]
    }
}

const ONE: &str = "a/one@alpha";

#[test]
fn what_a_request_can_cost_is_reserved_until_it_is_settled() {
    let mut caller = Caller::limited_to("0.10");
    let (first, flow) = caller.begin(ONE, Some(1_000));
    assert_eq!(flow, Flow::Continue);
    // 10,000 tokens of the prompt and 1,000 of the completion.
    assert_eq!(caller.balance(&key("team")), [0, 20_000_000]);
    let (second, _) = caller.begin(ONE, Some(5_000));
    assert_eq!(caller.balance(&key("team")), [0, 80_000_000]);
    let (status, body, _) = caller.refused(ONE, Some(2_000));
    assert_eq!(status, 402);
    let words = "This request can cost up to $0.03, and $0.02 are left of the key's limit of $0.1. \
                 Lower `max_tokens` to 1000 or less, or have the limit raised.";
    assert!(body.contains(words), "{body}");
    assert!(body.contains(r#""limit_remaining":0.02"#), "{body}");
    caller.end(first, ONE, [100, 10]);
    assert_eq!(caller.balance(&key("team")), [200_000, 60_000_000]);
    // Nobody answered.
    caller.log(second);
    assert_eq!(caller.balance(&key("team")), [200_000, 0]);
}

#[test]
fn what_was_paid_for_is_remembered_as_its_record() {
    let mut caller = Caller::of(Allowance::default());
    let (stream, _) = caller.begin(ONE, None);
    let record = caller.end(stream, ONE, [10, 1]);
    let value = caller.shared[&generation::key("gen-1")].0.clone();
    let json: Value = serde_json::from_slice(&generation::json(Some(value)).unwrap()).unwrap();
    let about = ["account", "api_type", "created_at"].map(|name| json[name].as_str().unwrap());
    assert_eq!(about, ["team", "completions", "2026-11-25T12:00:00Z"]);
    assert_eq!(json["record"], record);
}

#[test]
fn without_a_bound_the_endpoints_own_is_reserved() {
    let mut caller = Caller::limited_to("0.60");
    caller.begin(ONE, None);
    assert_eq!(caller.balance(&key("team")), [0, 510_000_000]);
    let (_, body, _) = caller.refused("a/two@alpha", None);
    assert!(body.contains("up to $1.81,"), "{body}");
    assert!(body.contains("`max_tokens` to 4000 or less"), "{body}");
    let (_, body, _) = caller.refused("a/two@alpha,a/one@alpha", Some(4_001));
    assert!(
        body.contains("up to $0.09002,"),
        "the costliest of the plan: {body}"
    );
}

#[test]
fn an_own_account_costs_the_fee_and_what_is_counted_of_the_rest() {
    let mut caller = Caller::limited_to("0.02");
    let (stream, _) = caller.begin("a/one@alpha#0", Some(1_000));
    assert_eq!(caller.balance(&key("team")), [0, 2_000_000]);
    caller.end(stream, "a/one@alpha#0", [10_000, 1_000]);
    let bytes = &caller.shared[&key("team")].0;
    let spent = Balance::decode(Some(bytes)).spent(LimitReset::Daily, Period::of(NOON));
    assert_eq!((spent.spent, spent.byok), (2_000_000, 20_000_000));
    caller.allowance.include_byok_in_limit = true;
    assert_eq!(caller.refused("a/one@alpha#0", Some(1_000)).0, 402);
}

#[test]
fn rates_answer_with_when_to_try_again() {
    let mut caller = Caller::of(Allowance {
        requests_per_minute: Some(1),
        ..Allowance::default()
    });
    caller.begin(ONE, None);
    let (status, body, stream) = caller.refused(ONE, None);
    assert_eq!(status, 429);
    assert!(
        body.contains("may use 1 requests a minute. Try again in 91 s."),
        "{body}"
    );
    let reply = stream.host.reply.unwrap();
    let value = |name: &str| {
        let found = reply.headers().find(|(known, _)| *known == name);
        found.unwrap().1.to_owned()
    };
    assert_eq!(value("retry-after"), "91");
    assert_eq!(value("x-ratelimit-limit"), "1");
    assert_eq!(value("x-ratelimit-remaining"), "0");
    assert_eq!(
        value("x-ratelimit-reset"),
        ((NOON + 91) * 1_000).to_string()
    );
    assert_eq!(
        stream.host.metrics["meshrouter_limited_total;limit=requests_per_minute"],
        1
    );
    caller.seconds += 91;
    assert_eq!(caller.begin(ONE, None).1, Flow::Continue);
}

#[test]
fn free_models_have_a_day() {
    let mut caller = Caller::of(Allowance {
        free_requests_per_day: Some(2),
        ..Allowance::default()
    });
    let free = "a/one:free@alpha/free";
    for _ in 0..2 {
        assert_eq!(caller.begin(free, None).1, Flow::Continue);
    }
    assert_eq!(caller.refused(free, None).0, 429);
    assert_eq!(caller.begin(ONE, None).1, Flow::Continue);
}

#[test]
fn models_without_a_budget_left_leave_the_plan() {
    let mut caller = Caller::of(Allowance {
        limit: Some(usd("100")),
        budgets: vec![Budget {
            model: "a/two".to_owned(),
            limit: usd("0.05"),
            limit_reset: LimitReset::Daily,
        }],
        ..Allowance::default()
    });
    let plan = "a/two@alpha,a/one@alpha";
    let two = budget_key("team", "a/two");
    let (first, _) = caller.begin(plan, Some(1_000));
    assert_eq!(
        first.header(Direction::Request, header::PLAN).unwrap(),
        plan
    );
    assert_eq!(caller.balance(&two), [0, 30_000_000]);
    let (second, flow) = caller.begin(plan, Some(1_000));
    assert_eq!(flow, Flow::Continue);
    assert_eq!(
        second.header(Direction::Request, header::PLAN).unwrap(),
        ONE
    );
    assert!(Plan::parse(ONE.as_bytes()).is_some());
    let (status, body, _) = caller.refused("a/two@alpha", Some(1_000));
    assert_eq!(status, 402);
    assert!(
        body.contains("$0.02 are left of the key's budget of $0.05 a day for `a/two`. Lower `max_tokens` to 500"),
        "{body}"
    );
    // The other model served: the budget gets all of it back.
    caller.end(first, ONE, [100, 0]);
    assert_eq!(caller.balance(&two), [0, 0]);
    let (third, _) = caller.begin("a/two@alpha", Some(1_000));
    caller.end(third, "a/two@alpha", [1_000, 100]);
    assert_eq!(caller.balance(&two), [3_000_000, 0]);
    // Where the key's own limit refuses, the budget gets back what it gave.
    caller.allowance.limit = Some(usd("0.005"));
    assert_eq!(caller.refused("a/two@alpha", Some(1_000)).0, 402);
    assert_eq!(caller.balance(&two), [3_000_000, 0]);
}
