//! What requests cost, in executed wasm operations and calls into the host: figures without noise.
//!
//! A copy of memory is one operation whatever its length, so what only moves a body about costs next to nothing here.

use std::collections::BTreeMap;

use meshrouter_wasm_tests::long::{Long, Shape};
use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Gateway, UpstreamAnswer, UpstreamResponse, World};

use crate::answers::completion;
use crate::{GPT, assert_sound, post};

mod floor;
mod table;

/// By (filter, callback): calls, fuel, and calls into the host.
type Costs = BTreeMap<(String, String), (u64, u64, u64)>;

/// The costs of one request, after one that warmed the modules up. Each filter is a module, so that its part is seen.
fn costs(body: &str, answer: &UpstreamAnswer) -> Costs {
    costs_of(&Shipped::seven(), body, answer)
}

/// The same in another shape.
fn costs_of(shipped: &Shipped, body: &str, answer: &UpstreamAnswer) -> Costs {
    // As it is shipped: what the default way to choose costs is to be seen here.
    let mut gateway = shipped.gateway(&World::new());
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
        .map(|row| {
            let costs = (row.calls, row.fuel, row.host_calls);
            ((row.filter, row.callback), costs)
        })
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

fn sum(costs: &Costs) -> u64 {
    costs.values().map(|(_, fuel, _)| fuel).sum()
}

fn host_calls(costs: &Costs) -> u64 {
    costs.values().map(|(_, _, host_calls)| host_calls).sum()
}

fn show(title: &str, costs: &Costs) {
    println!("{title}");
    for ((filter, callback), (calls, fuel, host_calls)) in costs {
        println!(
            "  {filter:<11} {callback:<26} {calls:>4} × {:>9}  = {fuel:>10}, host calls {host_calls:>4}",
            fuel / calls
        );
    }
    println!(
        "  {:<43} = {:>21}, host calls {:>4}",
        "all",
        sum(costs),
        host_calls(costs)
    );
}

/// Fuel of a filter in its request callbacks.
fn on_request(costs: &Costs, filter: &str) -> u64 {
    let ours = costs
        .iter()
        .filter(|((name, callback), _)| name == filter && callback.starts_with("proxy_on_request"));
    ours.map(|(_, (_, fuel, _))| fuel).sum()
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
    let (base, more) = (sum(&one), sum(&two));
    println!("{} fuel for each further chunk", (more - base) / 100);
    assert!(more < base * 2, "{base} for 100 chunks, {more} for 200");
}

/// What the fused modules save: callbacks, and properties that are no calls into the host.
#[test]
fn fused_modules_cost_less() {
    let fused = Shipped::of("fused");
    for (title, request, answer) in [
        ("A request of 1 KB", body(1_000, false), completion()),
        ("A stream of 100 chunks", body(1_000, true), stream(100)),
    ] {
        let (seven, fused) = (
            costs(&request, &answer),
            costs_of(&fused, &request, &answer),
        );
        show(&format!("{title}, fused"), &fused);
        println!("{title}: {} seven, {} fused", sum(&seven), sum(&fused));
        assert!(sum(&fused) < sum(&seven), "{title}");
        assert!(host_calls(&fused) < host_calls(&seven), "{title}");
    }
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
