//! The modules by which `scripts/bench --floor` finds what calls alone cost make the calls of the real ones.

use std::collections::BTreeMap;

use meshrouter_wasm_tests::shipped::{Shipped, idle_modules};

use super::{Costs, body, costs_of};
use crate::answers::completion;

/// By (filter, callback): how often it was called, and its own calls into the host.
fn calls(costs: Costs) -> BTreeMap<(String, String), (u64, u64)> {
    let each = costs.into_iter();
    each.map(|(place, (calls, _, host_calls))| (place, (calls, host_calls)))
        .collect()
}

#[test]
fn idle_modules_make_the_same_calls() {
    for shape in ["envoy", "fused"] {
        let shipped = Shipped::of(shape);
        let idle = shipped.clone().config(idle_modules);
        let [real, idle] = [shipped, idle]
            .map(|shipped| calls(costs_of(&shipped, &body(1_000, false), &completion())));
        assert_eq!(real, idle, "{shape}");
    }
}
