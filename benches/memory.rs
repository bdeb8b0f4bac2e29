//! A long run through the client: 100,000 requests, 1,000 at once, each answered after half a second, so
//! that 2,000 a second is all that can be. Prints the rate as a share of that and the resident memory of
//! the client's process on the way, without a cache and with one. The server, which remembers every
//! prompt, is a process of its own.
//!
//! `cargo bench -p assay-benches --bench memory` (Linux; two minutes)

#![allow(clippy::print_stdout)] // a program talks to its user

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_language::testing::{Act, LoopbackServer};
use assay_language::{
    Cache, Cached, HttpModel, HttpModelConfig, Proxy, Request, RunConfig, TextModel,
};

const AT_ONCE: usize = 1000;
const REQUESTS: usize = 100_000;
const WAIT: Duration = Duration::from_millis(500);

fn main() {
    if std::env::args().any(|argument| argument == "serve") {
        return serve();
    }
    let mut child = Command::new(std::env::current_exe().expect("a program"))
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut url = String::new();
    let output = child.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut url).expect("its address");
    let model = || -> HttpModel {
        let config = HttpModelConfig::new(url.trim(), "m").with_proxy(Proxy::Direct);
        config.init().expect("a client")
    };
    println!("requests, seconds, share of the capacity, resident MB");
    println!("without a cache");
    run(&model());
    println!("with a cache");
    let dir = std::env::temp_dir().join(format!("assay-memory-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let cache = Cache::open(dir.join("cache.jsonl")).expect("a cache");
    run(&Cached::new(model(), std::sync::Arc::new(cache)));
    let _ = std::fs::remove_dir_all(dir);
    drop(child.stdin.take()); // the server ends
    let _ = child.wait();
}

/// The server's process: says its address and ends with its input.
fn serve() {
    let server = LoopbackServer::start(|_| Act::Slow(WAIT, Box::new(Act::Answer("yes".into()))));
    println!("{}", server.base_url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn run(model: &dyn TextModel) {
    let requests = (0..REQUESTS).map(|i| Request::new(format!("question {i}")));
    let begin = Instant::now();
    RunConfig::new()
        .with_concurrency(AT_ONCE)
        .each(model, requests, |_, answer, progress| {
            answer?;
            if progress.done.is_multiple_of(10_000) {
                let seconds = begin.elapsed().as_secs_f64();
                let ideal = progress.done as f64 / AT_ONCE as f64 * WAIT.as_secs_f64();
                let share = 100.0 * ideal / seconds;
                println!("{:>7} {seconds:6.1} {share:5.1} % {:6.1}", progress.done, resident());
            }
            Ok(())
        })
        .expect("a run");
}

/// Megabytes (10⁶ bytes) of this process in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
    kilobytes.map_or(f64::NAN, |kilobytes: f64| kilobytes * 1024.0 / 1e6)
}
