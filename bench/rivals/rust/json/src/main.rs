//! Decodes and encodes the documents of bench/json with serde_json and sonic-rs in
//! turns and prints the CPU time of one time in nanoseconds.
//!
//!     go run ./json -write /tmp/documents
//!     RUSTFLAGS="-C target-cpu=native" cargo run --release -p json -- /tmp/documents

mod documents;

use documents::{Book, Order, User};
use serde::{Serialize, de::DeserializeOwned};
use std::hint::black_box;

const TURNS: usize = 20;
const SLICE: u64 = 20_000_000; // nanoseconds

fn main() {
    let dir = std::env::args()
        .nth(1)
        .expect("the directory of the documents");
    println!("| document |  | library | ns | ns, median | MB/s |");
    println!("| --- | --- | --- | ---: | ---: | ---: |");
    compare::<User>(&dir, "small");
    compare::<Order>(&dir, "medium");
    compare::<Book>(&dir, "large");
}

type Run<'a> = Box<dyn FnMut() + 'a>;

fn compare<T: Serialize + DeserializeOwned>(dir: &str, name: &str) {
    let text = std::fs::read(format!("{dir}/{name}.json")).expect("a document");
    let value: T = serde_json::from_slice(&text).expect("JSON");
    let (mut one, mut two) = (
        Vec::with_capacity(2 * text.len()),
        Vec::with_capacity(2 * text.len()),
    );
    let decode: [(&str, Run); 2] = [
        (
            "serde_json",
            Box::new(|| drop(black_box(serde_json::from_slice::<T>(&text).unwrap()))),
        ),
        (
            "sonic-rs",
            Box::new(|| drop(black_box(sonic_rs::from_slice::<T>(&text).unwrap()))),
        ),
    ];
    turns(name, "decode", text.len(), decode);
    let encode: [(&str, Run); 2] = [
        (
            "serde_json",
            Box::new(|| {
                one.clear();
                serde_json::to_writer(&mut one, black_box(&value)).unwrap();
            }),
        ),
        (
            "sonic-rs",
            Box::new(|| {
                two.clear();
                sonic_rs::to_writer(&mut two, black_box(&value)).unwrap();
            }),
        ),
    ];
    turns(name, "encode", text.len(), encode);
}

fn turns(document: &str, what: &str, size: usize, mut runs: [(&str, Run); 2]) {
    let mut each = [Vec::new(), Vec::new()];
    let times: Vec<u64> = runs.iter_mut().map(|(_, run)| fill(run)).collect();
    for _ in 0..TURNS {
        for (i, (_, run)) in runs.iter_mut().enumerate() {
            each[i].push(take(run, times[i]) as f64 / times[i] as f64);
        }
    }
    for (i, (library, _)) in runs.iter().enumerate() {
        each[i].sort_by(f64::total_cmp);
        let (low, median) = (each[i][0], each[i][TURNS / 2]);
        println!(
            "| {document} | {what} | {library} | {low:.0} | {median:.0} | {:.0} |",
            size as f64 / low * 1000.0
        );
    }
}

/// How many times fill a turn.
fn fill(run: &mut Run) -> u64 {
    let mut times = 1;
    while take(run, times) < SLICE {
        times *= 2;
    }
    times
}

fn take(run: &mut Run, times: u64) -> u64 {
    let start = cpu();
    for _ in 0..times {
        run();
    }
    cpu() - start
}

/// The CPU time of the process in nanoseconds.
fn cpu() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: t is where the call may write.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}
