//! Benches of culture-augment on the workload of its golden case `bench_corpus`, and of
//! assay-language's client against the loopback server.
//!
//! The words are WordNet's; without its files (Debian: `wordnet-base`) only the client is timed.

use std::hint::black_box;
use std::time::Duration;

use assay_array::random::stream;
use assay_array::testing::SplitMix64;
use assay_benches::pool;
use assay_language::testing::{Act, LoopbackServer};
use assay_language::{HttpModelConfig, Proxy, Request, RunConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use culture_augment::dedup::MinHashConfig;
use culture_augment::measure::{distinct, self_bleu};
use culture_augment::pipeline::Template;
use culture_augment::words::{LexiconTagger, Pos, WordNet};

/// 500 nouns, 300 verbs, 200 adjectives, 100 adverbs by how often they were counted in texts.
struct Words([Vec<String>; 4]);

impl Words {
    fn of(wordnet: &WordNet) -> Self {
        let ranked = |pos: Pos| {
            let plain =
                |w: &str| (4..=9).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase());
            let mut all: Vec<(&str, u32)> = wordnet.all(pos).filter(|(w, _)| plain(w)).collect();
            all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            all.into_iter().map(|(w, _)| w.to_owned())
        };
        let nouns: Vec<String> = ranked(Pos::Noun).take(500).collect();
        let mut used = nouns.clone();
        let mut rest = |pos: Pos, count: usize| -> Vec<String> {
            let fresh = ranked(pos).take(1500).filter(|w| !used.contains(w));
            let list: Vec<String> = fresh.take(count).collect();
            used.extend(list.iter().cloned());
            list
        };
        let (verbs, adjectives) = (rest(Pos::Verb, 300), rest(Pos::Adjective, 200));
        let adverbs = rest(Pos::Adverb, 100);
        Self([nouns, verbs, adjectives, adverbs])
    }

    fn sentences(&self, seed: u64, count: usize) -> Vec<String> {
        let [n, v, a, r] = &self.0;
        let mut rng = SplitMix64::new(seed);
        let slots = [a, n, v, n, r, n, v, a, n];
        let sentence = |_| {
            let w = slots.map(|list| list[rng.below(list.len())].as_str());
            format!(
                "The {} {} {} the {} {} and the {} {} a {} {} .",
                w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
            )
        };
        (0..count).map(sentence).collect()
    }

    /// 100,000 sentences of which every fifth is its predecessor with one word changed.
    fn documents(&self) -> Vec<String> {
        let mut all = self.sentences(43, 100_000);
        let mut rng = SplitMix64::new(44);
        for i in (4..all.len()).step_by(5) {
            let mut words: Vec<&str> = all[i - 1].split(' ').collect();
            words[5] = &self.0[0][rng.below(500)];
            all[i] = words.join(" ");
        }
        all
    }
}

fn texts(c: &mut Criterion) {
    let Ok(wordnet) = WordNet::locate() else { return };
    let words = Words::of(&wordnet);
    let (sentences, documents) = (words.sentences(42, 10_000), words.documents());
    let one = pool(1);
    let mut group = c.benchmark_group("culture");
    group.sample_size(10);

    group.throughput(Throughput::Elements(2_000));
    group.bench_function("synonyms/2000", |b| {
        let tagger = LexiconTagger::new(&wordnet);
        b.iter(|| {
            let augment = |(index, sentence): (u64, &String)| {
                let mut template = Template::of(sentence.as_str(), &tagger);
                let mut stream = stream(1, "bench", index);
                template.replace_share(0.3, &wordnet, &mut stream).text.len()
            };
            (0..).zip(black_box(&sentences[..2000])).map(augment).sum::<usize>()
        });
    });
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("self_bleu/10000", |b| {
        b.iter(|| one.install(|| self_bleu(black_box(&sentences), 4)));
    });
    group.bench_function("self_bleu/200", |b| {
        b.iter(|| one.install(|| self_bleu(black_box(&sentences[..200]), 4)));
    });

    group.throughput(Throughput::Elements(100_000));
    for n in 1..=4 {
        group.bench_function(format!("distinct/{n}/100000"), |b| {
            b.iter(|| distinct(black_box(&documents), n));
        });
    }
    let hasher = MinHashConfig::new().init().expect("settings");
    group.bench_function("minhash/10000x128", |b| {
        b.iter(|| one.install(|| hasher.signatures(black_box(&documents[..10_000]))));
    });
    group.bench_function("dedup/0.5/100000", |b| {
        b.iter(|| one.install(|| hasher.dedup(black_box(&documents), 0.5)));
    });
    group.finish();
}

/// A server that answers every request after half a second can answer 2,000 a second to a thousand
/// clients; the share of that which comes out is what the client reaches.
fn client(c: &mut Criterion) {
    let server = LoopbackServer::start(|_| {
        Act::Slow(Duration::from_millis(500), Box::new(Act::Answer("yes".into())))
    });
    let model = HttpModelConfig::new(server.base_url(), "m").with_proxy(Proxy::Direct);
    let model = model.init().expect("a client");
    let run = RunConfig::new().with_concurrency(1000);
    let mut group = c.benchmark_group("language");
    group.sample_size(10);
    group.throughput(Throughput::Elements(4000));
    group.bench_function("http/4000 requests, 1000 at once, 0.5 s each", |b| {
        b.iter(|| {
            let requests = (0..4000).map(|i| Request::new(format!("question {i}")));
            let mut good = 0;
            run.each(&model, requests, |_, answer, _| {
                good += usize::from(answer.is_ok());
                Ok(())
            })
            .expect("a run");
            assert_eq!(good, 4000);
        });
    });
    group.finish();
}

criterion_group!(benches, texts, client);
criterion_main!(benches);
