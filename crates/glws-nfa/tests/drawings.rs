//! The drawings in the book are what the crate draws.
//!
//! `BLESS=1 cargo test -p glws-nfa drawings` writes them anew.

use std::path::Path;

use glws_nfa::{Alphabet, Constraint, Nfa, NfaBuilder, Parity, WeakLabels, binomial_log_weights};

/// One instance with a weight for each class.
fn instance(weights: &[f64]) -> Nfa {
    let nfa = NfaBuilder::new(2, weights.len()).initial(0).accepting(1);
    let arcs = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    arcs.fold(nfa, |nfa, (class, weight)| nfa.weighted_arc(0, class, 1, weight.ln()))
        .build()
        .unwrap()
}

fn of(labels: WeakLabels, classes: usize) -> Nfa {
    Nfa::clone(&labels.constraints()[0].automaton(classes).unwrap())
}

fn drawings() -> Vec<(&'static str, Nfa)> {
    let soft =
        Constraint::SoftCount { class: 1, log_weights: binomial_log_weights(2, 0.5).unwrap() };
    let confident = WeakLabels::similarity_confidence(2, &[0.8]).unwrap();
    let rising = WeakLabels::confidence_difference(&[0.6]).unwrap();
    vec![
        ("partial", Nfa::one_of(4, &[0, 2]).unwrap()),
        ("complementary", Nfa::one_of(4, &[0, 1, 3]).unwrap()),
        ("ordinal", Nfa::one_of(4, &[0, 1]).unwrap()),
        ("noisy", instance(&[0.1, 0.8, 0.1])),
        ("positive-confidence", instance(&[0.3, 0.7])),
        ("unlabelled", Nfa::any(2).unwrap()),
        ("present", Nfa::present(2, 1).unwrap()),
        ("absent", Nfa::absent(2, 1).unwrap()),
        ("presence", Nfa::presence_vector(&[true, false, true]).unwrap()),
        ("count", Nfa::count(2, 1, 2).unwrap()),
        ("counts", Nfa::count_vector(&[1, 1, 1]).unwrap()),
        ("range", Nfa::between(2, 1, 1, 2).unwrap()),
        ("population", Nfa::clone(&soft.automaton(2).unwrap())),
        ("similar", Nfa::similar(2).unwrap()),
        ("dissimilar", Nfa::dissimilar(3).unwrap()),
        ("comparison", Nfa::not_below(2).unwrap()),
        ("similarity-confidence", of(confident, 2)),
        ("confidence-difference", of(rising, 2)),
        ("contiguous", Nfa::contiguous(2, 1).unwrap()),
        ("parity", Nfa::parity(2, 1, Parity::Even).unwrap()),
        ("no-two-adjacent", Nfa::no_two_adjacent(2, 1).unwrap()),
        ("regex", Nfa::from_regex("0+1+0+", 2).unwrap()),
    ]
}

#[test]
fn the_book_shows_what_the_crate_draws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/glws-nfa");
    if !folder.exists() {
        // The package on its own has no book.
        return;
    }
    let page = std::fs::read_to_string(folder.join("../glws-nfa-settings.md")).unwrap();
    for (name, nfa) in drawings() {
        let names = None::<&Alphabet>;
        // An image of its own: on white, whatever the page's colours are.
        let svg =
            nfa.to_svg(names).unwrap().replacen("<svg ", "<svg style=\"background:white\" ", 1);
        let path = folder.join(format!("{name}.svg"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &svg).unwrap();
        }
        let drawn = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(drawn == svg, "{} is out of date: run with BLESS=1", path.display());
        assert!(page.contains(&format!("glws-nfa/{name}.svg")), "{name} is not on the page");
    }
}
