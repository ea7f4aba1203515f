use meshrouter_core::usage::Usage;
use meshrouter_host::fake::Fake;
use meshrouter_ledger::activity::{self, Activity};

use super::*;
use crate::bill::Terms;

const NOON: u64 = 1_795_608_000_000_000_000;
const COST: &str = "meshrouter_cost_nanodollars_total;model=a/one;provider=alpha";
const OK: &str = "meshrouter_requests_total;model=a/one;provider=alpha;status=200";

/// An answer of an endpoint, of ten tokens and five, that ends now.
fn answer(host: &mut Fake, tally: &mut Tally) {
    let terms = Terms {
        pricing: serde_json::from_str(r#"{"prompt": "0.000001", "completion": "0.000002"}"#)
            .unwrap(),
        fee: None,
        images: 0,
        completes: true,
    };
    let bill = terms.bill(Usage::estimated(10, 5), false, Some("stop"));
    let outcome = Outcome::parse(b"2;a/one@alpha/turbo").unwrap();
    let entry = tally.of(Some(&outcome));
    entry.request(200);
    let times = Times {
        started: host.time,
        first_byte: None,
        ended: host.time,
    };
    entry.answer(host, &bill, true, times);
    let now = host.time;
    tally.tell_in_time(host, now);
}

fn days(host: &Fake) -> Vec<(u64, u64)> {
    let bytes = host.shared(&activity::key("a/one@alpha/turbo")).0;
    let days = Activity::decode(bytes.as_deref());
    days.days().map(|day| (day.requests, day.spent)).collect()
}

#[test]
fn what_comes_in_quick_succession_is_told_together() {
    let mut host = Fake::default();
    host.time = NOON;
    let mut tally = Tally::default();
    answer(&mut host, &mut tally);
    assert_eq!((host.metrics[OK], host.metrics[COST]), (1, 20_000));
    for _ in 0..3 {
        host.time += 1_000_000;
        answer(&mut host, &mut tally);
    }
    tally.of(None).request(503);
    assert_eq!((host.metrics[OK], host.metrics[COST]), (1, 20_000));
    assert_eq!(days(&host), [(1, 20_000)]);
    for _ in 0..2 {
        // The second time there is nothing new.
        tally.tell(&mut host);
        assert_eq!((host.metrics[OK], host.metrics[COST]), (4, 80_000));
        assert_eq!(host.metrics["meshrouter_requests_total;status=503"], 1);
        assert_eq!(days(&host), [(4, 80_000)]);
    }
    let durations =
        &host.observed["gen_ai_server_request_duration_milliseconds;model=a/one;provider=alpha"];
    assert_eq!(durations.len(), 4);
    let names = host.shared(activity::INDEX).0.unwrap();
    assert_eq!(names, b"a/one@alpha/turbo\n");
}

#[test]
fn each_day_gets_its_own() {
    let mut host = Fake::default();
    host.time = NOON;
    let mut tally = Tally::default();
    answer(&mut host, &mut tally);
    // The last answer of a day and the first of the next are told together.
    let midnight = NOON - NOON % 86_400_000_000_000 + 86_400_000_000_000;
    tally.told = Some(midnight);
    for time in [midnight - 1, midnight] {
        host.time = time;
        answer(&mut host, &mut tally);
    }
    tally.tell(&mut host);
    assert_eq!(days(&host), [(2, 40_000), (1, 20_000)]);
}
