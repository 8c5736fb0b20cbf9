//! What the parts of planning cost: `cargo bench -p nodewright-bench`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot read its input has failed")]

use criterion::{Criterion, criterion_group, criterion_main};
use engine::scheduling::type_table::TypeFilter;
use engine::scheduling::{Cluster, Planner, Requirement, Requirements, Round, labels, solve};
use nodewright_bench::{self as bench, Method, made};
use std::hint::black_box;

fn diverse() -> Cluster {
    let pods = made::diverse(include_str!("../../../tests/bench/data/diverse-1000.txt"));
    bench::pending(&pods, &made::fake_types(400)).unwrap()
}

fn tight(nodes: u32) -> Cluster {
    let (nodes, pods) = made::tight(nodes);
    bench::cluster(&nodes, &pods, include_str!("../../../tests/bench/data/tight-types.json"), &[]).unwrap()
}

fn packing(c: &mut Criterion) {
    let cluster = diverse();
    c.bench_function("pack 1000 diverse pods", |b| b.iter(|| solve(black_box(&cluster), &Round::default())));
}

fn simulating(c: &mut Criterion) {
    let cluster = tight(1000);
    c.bench_function("prepare 1000 nodes", |b| b.iter(|| Planner::new(black_box(&cluster)).round));
    let mut planner = Planner::new(&cluster);
    let round = Round { without: [500].into_iter().collect(), is_simulation: true };
    c.bench_function("simulate without one of 1000 nodes", |b| b.iter(|| planner.solve(black_box(&round))));
    let small = tight(100);
    c.bench_function("scan 100 nodes", |b| b.iter(|| bench::consolidate(black_box(&small), Method::Single)));
}

fn requirements(c: &mut Criterion) {
    let cluster = diverse();
    let any = Requirement::exists("size");
    let large = Requirement::is_in("size", ["large"]);
    c.bench_function("intersect two requirements", |b| b.iter(|| black_box(&any).intersection(black_box(&large))));
    let asked: Requirements = [large, Requirement::is_in(labels::ZONE, ["test-zone-1"])].into_iter().collect();
    c.bench_function("filter 400 types anew", |b| b.iter(|| TypeFilter::default().compatible(&cluster.types, black_box(&asked))));
    let mut filter = TypeFilter::default();
    c.bench_function("filter 400 types again", |b| b.iter(|| filter.compatible(&cluster.types, black_box(&asked))));
}

criterion_group!(benches, packing, simulating, requirements);
criterion_main!(benches);
