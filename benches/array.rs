//! Linear algebra of `assay-array`: the sizes of a small and a base transformer's hidden state.

use std::hint::black_box;

use assay_array::linalg::{Gram, eigvalsh, matmul, svdvals};
use assay_array::ndarray::Array2;
use assay_array::{Scalar, random};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Independent standard normal numbers.
fn normal<T: Scalar>(rows: usize, columns: usize) -> Array2<T> {
    let mut rng = random::stream(0, "bench", 0);
    Array2::from_shape_fn((rows, columns), |_| T::from_f64(random::normal(&mut rng)))
}

fn decompositions<T: Scalar>(c: &mut Criterion) {
    for n in [256, 768] {
        let x = normal::<T>(n, n);
        let gram = matmul(x.t(), x.view()).expect("finite");
        let mut group = c.benchmark_group(format!("array/{}/{n}", T::NAME));
        group.sample_size(10);
        // Multiplications and additions.
        group.throughput(Throughput::Elements(2 * (n as u64).pow(3)));
        group.bench_function("matmul", |b| b.iter(|| matmul(black_box(x.view()), x.t())));
        group.throughput(Throughput::Elements(4 * (n as u64).pow(3) / 3));
        group.bench_function("eigvalsh", |b| b.iter(|| eigvalsh(black_box(gram.view()))));
        if n == 768 {
            group.throughput(Throughput::Elements(8 * (n as u64).pow(3) / 3));
            group.bench_function("svdvals", |b| b.iter(|| svdvals(black_box(x.view()))));
        }
    }
}

fn gram(c: &mut Criterion) {
    let (rows, columns) = (8192, 768);
    let x = normal::<f32>(rows, columns);
    let mut group = c.benchmark_group("array/f32/8192x768");
    group.sample_size(10);
    // One triangle: half the multiplications and additions of the full product.
    group.throughput(Throughput::Elements((rows * columns * columns) as u64));
    group.bench_function("gram", |b| {
        b.iter(|| {
            let mut gram = Gram::new(columns).expect("a small square");
            gram.update(black_box(x.view())).expect("finite");
            gram
        });
    });
}

criterion_group!(benches, decompositions::<f32>, decompositions::<f64>, gram);
criterion_main!(benches);
