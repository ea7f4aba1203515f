//! How long `middle-out` takes for prompts of 4 MB: the built module, compiled for speed.
//!
//! The figures include our host's own work for a stream, and the counting of fuel, so that they are upper bounds.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use meshrouter_wasm_tests::long::{Long, Shape};

fn compression(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("middle-out");
    group.sample_size(10);
    for shape in Shape::ALL {
        let body = shape.body(4 << 20);
        let mut long = Long::new();
        group.bench_function(format!("4 MB of {shape:?}"), |bencher| {
            bencher.iter(|| black_box(long.compress(&body)));
        });
    }
    group.finish();
}

criterion_group!(benches, compression);
criterion_main!(benches);
