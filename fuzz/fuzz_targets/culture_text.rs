//! Templates, options, words and shingles of any text: no panic, slots where they say they are.
#![no_main]

use culture_augment::dedup::{Shingles, normalised, shingle_jaccard, simhash};
use culture_augment::pipeline::Template;
use culture_augment::survey::Scale;
use culture_augment::words::{LexiconTagger, MiniThesaurus, mend_articles};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (Scale::parse(text), mend_articles(text), normalised(text));
    let _ = (simhash(text, Shingles::Chars(3)), shingle_jaccard(text, "a b", Shingles::Words(2)));
    let _ = Template::parse(text, &[("a", &["x", "y"])]);
    let mut template = Template::of(text, &LexiconTagger::new(MiniThesaurus));
    template.add_synonyms(&MiniThesaurus, 5);
    if let Ok(all) = template.expand(1000) {
        assert_eq!(all.first().map(|fill| fill.text.as_str()), Some(text));
    }
});
