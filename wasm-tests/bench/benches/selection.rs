//! How long `select` takes for one request: the built module, compiled for speed.
//!
//! The figures include our host's own work for a stream, and the counting of fuel, so that they are upper bounds.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use meshrouter_wasm_tests::many::Many;
use meshrouter_wasm_tests::vm::World;

fn selection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("selection");
    for (name, provider) in [
        ("balanced", "{}"),
        ("sorted by latency", r#"{"sort":"latency"}"#),
    ] {
        for endpoints in [1, 5, 50] {
            let mut many = Many::new(&World::new(), 1, endpoints);
            group.bench_function(format!("{name}, {endpoints} endpoints"), |bencher| {
                bencher.iter(|| black_box(many.select(0, provider)));
            });
        }
    }
    group.finish();
}

fn configuration(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("configuration");
    group.sample_size(10);
    let world = World::new();
    group.bench_function("2,000 models with 5 endpoints", |bencher| {
        bencher.iter(|| black_box(Many::new(&world, 2_000, 5)));
    });
    group.finish();
}

criterion_group!(benches, selection, configuration);
criterion_main!(benches);
