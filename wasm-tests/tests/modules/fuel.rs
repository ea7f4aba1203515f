//! What requests cost, in executed wasm operations: figures without noise.
//!
//! A copy of memory is one operation whatever its length, so what only moves a body about costs next to nothing here.

use std::collections::BTreeMap;

use meshrouter_wasm_tests::long::{Long, Shape};
use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Gateway, UpstreamAnswer, UpstreamResponse, World};

use crate::answers::completion;
use crate::{GPT, assert_sound, post};

mod table;

/// By (filter, callback): calls and fuel.
type Costs = BTreeMap<(String, String), (u64, u64)>;

/// The costs of one request, after one that warmed the modules up.
fn costs(body: &str, answer: &UpstreamAnswer) -> Costs {
    // As it is shipped: what the default way to choose costs is to be seen here.
    let mut gateway = Shipped::read().gateway(&World::new());
    let send = |gateway: &mut Gateway| {
        let found = gateway.send(&post(body), |_| answer.clone());
        assert_sound(&found, "fuel");
        assert_eq!(found.status, 200);
    };
    send(&mut gateway);
    gateway.edge().reset_fuel();
    gateway.attempt().reset_fuel();
    send(&mut gateway);
    let rows = [gateway.edge().fuel(), gateway.attempt().fuel()].concat();
    rows.into_iter()
        .map(|row| ((row.filter, row.callback), (row.calls, row.fuel)))
        .collect()
}

/// A request of about `bytes` bytes in messages of 1000 characters.
fn body(bytes: usize, stream: bool) -> String {
    let message = format!(
        r#"{{"role":"user","content":"{}"}}"#,
        "lorem ips ".repeat(100)
    );
    let messages = vec![message; bytes.div_ceil(1000)].join(",");
    format!(r#"{{"model":"{GPT}","stream":{stream},"messages":[{messages}]}}"#)
}

fn stream(chunks: usize) -> UpstreamAnswer {
    let chunk = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
    let end = "data: [DONE]\n\n";
    UpstreamResponse::sse(std::iter::repeat_n(chunk, chunks).chain([end])).into()
}

fn show(title: &str, costs: &Costs) {
    println!("{title}");
    for ((filter, callback), (calls, fuel)) in costs {
        println!(
            "  {filter:<11} {callback:<26} {calls:>4} × {:>9}  = {fuel:>10}",
            fuel / calls
        );
    }
    println!(
        "  {:<43} = {:>21}",
        "all",
        costs.values().map(|(_, fuel)| fuel).sum::<u64>()
    );
}

/// Fuel of a filter in its request callbacks.
fn on_request(costs: &Costs, filter: &str) -> u64 {
    let ours = |((name, callback), _): &(&(String, String), &(u64, u64))| {
        name == filter && callback.starts_with("proxy_on_request")
    };
    costs.iter().filter(ours).map(|(_, (_, fuel))| fuel).sum()
}

#[test]
fn the_body_is_parsed_once() {
    let (small, large) = (body(1_000, false), body(200_000, false));
    let (few, many) = (costs(&small, &completion()), costs(&large, &completion()));
    show(&format!("A request of {} bytes", small.len()), &few);
    show(&format!("A request of {} bytes", large.len()), &many);
    let bytes = u64::try_from(large.len() - small.len()).unwrap();
    let growth = |filter| on_request(&many, filter).saturating_sub(on_request(&few, filter));
    let per_byte = |filter| growth(filter) as f64 / bytes as f64;
    for filter in [
        "auth",
        "normalize",
        "select",
        "healing",
        "usage",
        "fallback",
        "middle-out",
    ] {
        println!(
            "{filter:<11} {:>8.3} fuel for each further byte of a request",
            per_byte(filter)
        );
    }
    // Facts hold token counts, whose digits grow with the body.
    for filter in ["auth", "select", "healing", "usage", "middle-out"] {
        assert!(growth(filter) < 1_500, "{filter}: {}", growth(filter));
    }
    let parse = growth("normalize");
    assert!(
        growth("fallback") < parse / 2,
        "{} of {parse}",
        growth("fallback")
    );
}

#[test]
fn a_stream_costs_by_the_chunk() {
    let request = body(1_000, true);
    let (one, two) = (costs(&request, &stream(100)), costs(&request, &stream(200)));
    show("A stream of 100 chunks", &one);
    let sum = |costs: &Costs| costs.values().map(|(_, fuel)| fuel).sum::<u64>();
    let (base, more) = (sum(&one), sum(&two));
    println!("{} fuel for each further chunk", (more - base) / 100);
    assert!(more < base * 2, "{base} for 100 chunks, {more} for 200");
}

/// Counting, planning and copying pass over a prompt a fixed number of times, whatever it is made of.
#[test]
fn middle_out_is_linear() {
    for shape in Shape::ALL {
        let fuel = |bytes: usize| {
            let body = shape.body(bytes);
            let mut long = Long::new();
            let begin = std::time::Instant::now();
            long.compress(&body);
            println!("{shape:?}: {bytes} bytes in {:?}", begin.elapsed());
            let rows = long.chain.fuel();
            let body = rows
                .iter()
                .filter(|row| row.callback == "proxy_on_request_body");
            body.map(|row| row.fuel).sum::<u64>()
        };
        let (one, two) = (fuel(1 << 20), fuel(2 << 20));
        println!("{shape:?}: {} fuel a byte", one as f64 / f64::from(1 << 20));
        assert!(
            one > 0 && two * 10 <= one * 22,
            "{shape:?}: {one}, then {two}"
        );
    }
}
