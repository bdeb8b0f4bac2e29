//! Operations on automata against brute force over all short strings.

use std::collections::BTreeSet;
use std::sync::Arc;

use glws_nfa::{Alphabet, Bags, Constraint, Error, Nfa, NfaBuilder, Parity, marginals};
use proptest::prelude::*;

use crate::common::logits;

const CLASSES: usize = 2;
const LENGTH: usize = 6;
const CAP: usize = 1 << 12;

/// All strings over `classes` up to a length.
fn strings(classes: usize, length: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut start = 0;
    for _ in 0..length {
        let end = all.len();
        for index in start..end {
            for class in 0..classes {
                let mut longer: Vec<usize> = all[index].clone();
                longer.push(class);
                all.push(longer);
            }
        }
        start = end;
    }
    all
}

/// The log weights of all accepting paths of a string, by walking them one by one.
fn paths(nfa: &Nfa, string: &[usize]) -> Vec<f64> {
    fn walk(nfa: &Nfa, state: usize, rest: &[usize], weight: f64, found: &mut Vec<f64>) {
        match rest {
            [] => found.push(weight + nfa.final_log_weights()[state]),
            [class, rest @ ..] => {
                for arc in nfa.arcs().iter().filter(|a| a.source == state && a.class == *class) {
                    walk(nfa, arc.target, rest, weight + arc.log_weight, found);
                }
            }
        }
    }
    let mut found = vec![];
    for (state, &weight) in nfa.initial_log_weights().iter().enumerate() {
        walk(nfa, state, string, weight, &mut found);
    }
    found.retain(|&weight| weight > f64::NEG_INFINITY);
    found
}

fn path_weight(nfa: &Nfa, string: &[usize]) -> f64 {
    paths(nfa, string).iter().map(|weight| weight.exp()).sum()
}

fn language(nfa: &Nfa) -> BTreeSet<Vec<usize>> {
    let all = strings(nfa.num_classes(), LENGTH);
    all.into_iter().filter(|string| !paths(nfa, string).is_empty()).collect()
}

type Parts = (usize, Vec<(usize, usize, usize, u8)>, Vec<(usize, u8)>, Vec<(usize, u8)>);

/// Automata of up to `max_states` states over two classes, without weights.
fn sets(max_states: usize) -> impl Strategy<Value = Nfa> {
    parts(max_states).prop_map(|parts| build(parts, |_| 0.0))
}

/// The same with log weights of −0.25 to −2.
fn weighted(max_states: usize) -> impl Strategy<Value = Nfa> {
    parts(max_states).prop_map(|parts| build(parts, |w| -0.25 * f64::from(w + 1)))
}

fn parts(max_states: usize) -> impl Strategy<Value = Parts> {
    (1..=max_states).prop_flat_map(|n| {
        (
            Just(n),
            prop::collection::vec((0..n, 0..CLASSES, 0..n, 0_u8..8), 0..=2 * n),
            prop::collection::vec((0..n, 0_u8..8), 0..=2),
            prop::collection::vec((0..n, 0_u8..8), 0..=2),
        )
    })
}

fn build((n, arcs, initial, accepting): Parts, weight: fn(u8) -> f64) -> Nfa {
    let mut builder = NfaBuilder::new(n, CLASSES);
    for (source, class, target, w) in arcs {
        builder = builder.weighted_arc(source, class, target, weight(w));
    }
    for (state, w) in initial {
        builder = builder.weighted_initial(state, weight(w));
    }
    for (state, w) in accepting {
        builder = builder.weighted_accepting(state, weight(w));
    }
    builder.build().unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

/// Concatenations of strings of two sets, up to the length.
fn products(a: &BTreeSet<Vec<usize>>, b: &BTreeSet<Vec<usize>>) -> BTreeSet<Vec<usize>> {
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| [&x[..], &y[..]].concat()));
    pairs.filter(|string| string.len() <= LENGTH).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn set_operations_are_those_of_sets(a in sets(4), b in sets(4)) {
        let (la, lb) = (language(&a), language(&b));
        let union: BTreeSet<_> = la.union(&lb).cloned().collect();
        prop_assert_eq!(language(&a.union(&b).unwrap()), union);
        let both: BTreeSet<_> = la.intersection(&lb).cloned().collect();
        prop_assert_eq!(language(&a.intersection(&b).unwrap()), both);
        let only: BTreeSet<_> = la.difference(&lb).cloned().collect();
        prop_assert_eq!(language(&a.difference(&b, CAP).unwrap()), only);
        let not: BTreeSet<_> =
            strings(CLASSES, LENGTH).into_iter().filter(|s| !la.contains(s)).collect();
        let complement = a.complement(CAP).unwrap();
        prop_assert_eq!(language(&complement), not);
        prop_assert!(!complement.is_ambiguous().unwrap());
        prop_assert_eq!(language(&a.concatenation(&b).unwrap()), products(&la, &lb));
        let reversed: BTreeSet<Vec<usize>> =
            la.iter().map(|s| s.iter().rev().copied().collect()).collect();
        prop_assert_eq!(language(&a.reverse().unwrap()), reversed);
        prop_assert_eq!(a.is_empty(), a.shortest_string().is_none());
        prop_assert_eq!(a.shortest_string().map(|s| s.len()), la.iter().map(Vec::len).min());
    }

    #[test]
    fn repeats_are_powers(a in sets(3), low in 0_u32..3, more in 0_u32..3) {
        let la = language(&a);
        let mut power = BTreeSet::from([vec![]]);
        let (mut bounded, mut star) = (BTreeSet::new(), BTreeSet::new());
        for n in 0..=LENGTH as u32 + 3 {
            if n >= low && n <= low + more {
                bounded.extend(power.iter().cloned());
            }
            if n >= low {
                star.extend(power.iter().cloned());
            }
            power = products(&power, &la);
        }
        prop_assert_eq!(language(&a.repeat(low, Some(low + more)).unwrap()), bounded);
        prop_assert_eq!(language(&a.repeat(low, None).unwrap()), star);
        prop_assert!(a.repeat(low + 1, Some(low)).unwrap().is_empty());
    }

    #[test]
    fn determinised_and_minimised_sets_stay(a in sets(4)) {
        let la = language(&a);
        let det = a.determinise(CAP).unwrap();
        prop_assert!(det.is_deterministic());
        prop_assert_eq!(&language(&det), &la);
        let min = a.minimise(CAP).unwrap();
        prop_assert!(min.is_deterministic() && min.num_states() <= det.num_states());
        prop_assert_eq!(&language(&min), &la);
        // Myhill and Nerode: the states of the minimal automaton are the non-empty sets of endings.
        // With the sink it has at most 4 states here: beginnings of length 3 reach each, and endings
        // of length 3 tell each two apart.
        if min.num_states() <= 3 {
            let all = strings(CLASSES, 3);
            let short = strings(CLASSES, 3);
            let endings: BTreeSet<Vec<bool>> = all
                .iter()
                .map(|s| short.iter().map(|e| la.contains(&[&s[..], &e[..]].concat())).collect())
                .filter(|e: &Vec<bool>| e.iter().any(|&accepted| accepted))
                .collect();
            prop_assert_eq!(min.num_states(), endings.len());
        }
        // Brzozowski: reversing and determinising twice minimises too.
        let twice = a.reverse().unwrap().determinise(CAP).unwrap();
        let twice = twice.reverse().unwrap().determinise(CAP).unwrap();
        prop_assert_eq!(min.num_states(), twice.num_states());
        prop_assert!(min.is_equivalent(&a, CAP).unwrap());
        prop_assert_eq!(&min.minimise(CAP).unwrap(), &min);
    }

    #[test]
    fn laws_hold(a in sets(4), b in sets(4)) {
        let not = |x: &Nfa| x.complement(CAP).unwrap();
        prop_assert!(not(&not(&a)).is_equivalent(&a, CAP).unwrap());
        let left = not(&a.union(&b).unwrap());
        let right = not(&a).intersection(&not(&b)).unwrap();
        prop_assert!(left.is_equivalent(&right, CAP).unwrap());
        prop_assert!(a.reverse().unwrap().reverse().unwrap().is_equivalent(&a, CAP).unwrap());
        prop_assert!(a.trim().unwrap().is_equivalent(&a, CAP).unwrap());
        prop_assert!(a.intersection(&not(&a)).unwrap().is_empty());
        let star = a.star().unwrap();
        prop_assert!(star.star().unwrap().is_equivalent(&star, CAP).unwrap());
        let plus = a.concatenation(&star).unwrap();
        prop_assert!(plus.is_equivalent(&a.plus().unwrap(), CAP).unwrap());
        let optional = a.optional().unwrap();
        prop_assert!(optional.accepts(&[]).unwrap());
        prop_assert!(star.is_equivalent(&plus.optional().unwrap(), CAP).unwrap());
    }

    #[test]
    fn equivalence_finds_a_shortest_witness(a in sets(3), b in sets(3)) {
        let (la, lb) = (language(&a), language(&b));
        let shortest = la.symmetric_difference(&lb).map(Vec::len).min();
        if let Some(string) = a.distinguishing_string(&b, CAP).unwrap() {
            prop_assert_ne!(a.accepts(&string).unwrap(), b.accepts(&string).unwrap());
            // A longer witness than was enumerated contradicts nothing.
            prop_assert!(shortest.map_or(string.len() > LENGTH, |n| n == string.len()));
        } else {
            prop_assert_eq!(shortest, None);
        }
    }

    #[test]
    fn ambiguity_is_two_paths(a in weighted(4)) {
        let brute = strings(CLASSES, LENGTH).into_iter().find(|s| paths(&a, s).len() > 1);
        if let Some(string) = a.ambiguous_string().unwrap() {
            prop_assert!(paths(&a, &string).len() > 1, "{string:?}");
        } else {
            prop_assert_eq!(brute, None);
        }
        prop_assert_eq!(a.is_ambiguous().unwrap(), a.ambiguous_string().unwrap().is_some());
        let counts = language(&a);
        for length in 0..=LENGTH {
            let count = counts.iter().filter(|s| s.len() == length).count();
            prop_assert_eq!(a.count_accepted(length).unwrap(), count as u128);
            prop_assert!(close(a.log_count_accepted(length).unwrap().exp(), count as f64));
        }
    }

    #[test]
    fn weights_are_sums_over_paths(a in weighted(3), b in weighted(3)) {
        let union = a.union(&b).unwrap();
        let both = a.intersection(&b).unwrap();
        let then = a.concatenation(&b).unwrap();
        let twice = a.repeat(1, Some(2)).unwrap();
        let back = a.reverse().unwrap();
        let trim = a.trim().unwrap();
        for s in strings(CLASSES, 4) {
            let (wa, wb) = (path_weight(&a, &s), path_weight(&b, &s));
            let at = |nfa: &Nfa| nfa.log_weight(&s).unwrap().exp();
            prop_assert!(close(at(&a), wa));
            prop_assert!(close(at(&union), wa + wb));
            prop_assert!(close(at(&both), wa * wb));
            let splits = |left: &Nfa, right: &Nfa| -> f64 {
                (0..=s.len()).map(|i| path_weight(left, &s[..i]) * path_weight(right, &s[i..])).sum()
            };
            prop_assert!(close(at(&then), splits(&a, &b)));
            prop_assert!(close(at(&twice), wa + splits(&a, &a)));
            let reversed: Vec<usize> = s.iter().rev().copied().collect();
            prop_assert!(close(back.log_weight(&reversed).unwrap().exp(), wa));
            prop_assert!(close(at(&trim), wa));
        }
        prop_assert!(a.is_unweighted() || a.complement(CAP).is_err());
    }

    #[test]
    fn weighted_stars_sum_all_cuts(a in weighted(3)) {
        let empty = path_weight(&a, &[]);
        match a.star() {
            Err(Error::Divergent { .. }) => prop_assert!(empty >= 1.0 - 1e-12, "{empty}"),
            Err(error) => prop_assert!(false, "{error}"),
            Ok(star) if a.is_unweighted() => prop_assert!(star.accepts(&[]).unwrap()),
            Ok(star) => {
                // S(w) = [w = ε] + Σ over first parts u of a(u)·S(rest); the empty part gives 1/(1 − a(ε)).
                prop_assert!(empty < 1.0);
                for s in strings(CLASSES, 4) {
                    let mut suffix = vec![0.0; s.len() + 1];
                    for i in (0..=s.len()).rev() {
                        let mut sum = f64::from(u8::from(i == s.len()));
                        for j in i + 1..=s.len() {
                            sum += path_weight(&a, &s[i..j]) * suffix[j];
                        }
                        suffix[i] = sum / (1.0 - empty);
                    }
                    let got = star.log_weight(&s).unwrap().exp();
                    prop_assert!(close(got, suffix[0]), "{s:?}: {got} and {}", suffix[0]);
                }
            }
        }
    }

    #[test]
    fn weighted_determinisation_keeps_weights(a in weighted(3)) {
        // Some weighted automata have no deterministic equivalent; a cap ends the attempt.
        let det = match a.determinise(64) {
            Ok(det) => det,
            Err(Error::TooManyStates { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(det.is_deterministic() && !det.is_ambiguous().unwrap());
        let min = a.minimise(64).unwrap();
        prop_assert!(min.is_deterministic() && min.num_states() <= det.num_states());
        for s in strings(CLASSES, LENGTH) {
            let weight = if a.is_unweighted() {
                f64::from(u8::from(!paths(&a, &s).is_empty()))
            } else {
                path_weight(&a, &s)
            };
            prop_assert!(close(det.log_weight(&s).unwrap().exp(), weight));
            prop_assert!(close(min.log_weight(&s).unwrap().exp(), weight));
        }
        prop_assert_eq!(det.distinguishing_string(&min, 256).unwrap(), None);
        prop_assert_eq!(min.minimise(256).unwrap().num_states(), min.num_states());
    }

    #[test]
    fn weighted_equivalence_sees_one_changed_weight(a in weighted(3), index in 0_usize..8) {
        let Ok(a) = a.determinise(64) else { return Ok(()) };
        let Ok(a) = a.trim() else { return Ok(()) };
        if a.arcs().is_empty() {
            return Ok(());
        }
        let changed = index % a.arcs().len();
        let mut builder = NfaBuilder::new(a.num_states(), CLASSES);
        for (i, arc) in a.arcs().iter().enumerate() {
            let weight = arc.log_weight - f64::from(u8::from(i == changed));
            builder = builder.weighted_arc(arc.source, arc.class, arc.target, weight);
        }
        for state in 0..a.num_states() {
            builder = builder.weighted_initial(state, a.initial_log_weights()[state]);
            builder = builder.weighted_accepting(state, a.final_log_weights()[state]);
        }
        let b = builder.build().unwrap();
        let string = a.distinguishing_string(&b, 256).unwrap().expect("a weight differs");
        prop_assert!(!close(a.log_weight(&string).unwrap(), b.log_weight(&string).unwrap()));
    }

    #[test]
    fn sets_meet_weights_once(a in weighted(3), b in sets(3)) {
        prop_assume!(!a.is_unweighted());
        let both = a.intersection(&b).unwrap();
        for s in strings(CLASSES, 4) {
            let wanted = if paths(&b, &s).is_empty() { 0.0 } else { path_weight(&a, &s) };
            prop_assert!(close(both.log_weight(&s).unwrap().exp(), wanted));
        }
    }

    #[test]
    fn the_engine_agrees(a in sets(4), w in weighted(3), seed in 0_u64..1000) {
        let logits = logits(seed, LENGTH, CLASSES, 1.5);
        let solve = |nfa: Nfa| {
            let bags = Bags::new(logits.view(), &[LENGTH]).unwrap();
            marginals(&bags, &[Constraint::Paths(Arc::new(nfa))]).unwrap()
        };
        let det = solve(a.determinise(CAP).unwrap());
        let min = solve(a.minimise(CAP).unwrap());
        let not = solve(a.complement(CAP).unwrap());
        prop_assert!(close(det.log_z()[0].exp() + not.log_z()[0].exp(), 1.0));
        prop_assert!(close(det.log_z()[0].exp(), min.log_z()[0].exp()));
        let gap = (&det.posterior - &min.posterior).fold(0.0_f64, |gap, d| gap.max(d.abs()));
        prop_assert!(gap < 1e-9);
        if let Ok(small) = w.minimise(64)
            && !w.is_unweighted()
        {
            let (before, after) = (solve(w), solve(small));
            prop_assert!(close(before.log_z()[0].exp(), after.log_z()[0].exp()));
            let gap = (&before.posterior - &after.posterior).fold(0.0_f64, |g, d| g.max(d.abs()));
            prop_assert!(gap < 1e-9);
        }
    }

    #[test]
    fn openfst_text_round_trips(a in weighted(4)) {
        for offset in [0, 1] {
            let text = a.to_openfst(None, offset);
            let back = Nfa::from_openfst(&text, CLASSES, None, offset).unwrap();
            for s in strings(CLASSES, 4) {
                prop_assert!(close(
                    back.log_weight(&s).unwrap().exp(),
                    a.log_weight(&s).unwrap().exp()
                ));
            }
        }
    }

    #[test]
    fn openfst_text_never_panics(text in "[0-9 \t\n.einfNa-]{0,60}") {
        let _ = Nfa::from_openfst(&text, 3, None, 0);
    }

    #[test]
    fn drawings_are_well_formed(a in weighted(5), name in "[^\\pC]{1,6}") {
        let names = Alphabet::named([name, "<\"&'\\".replace('<', "(")]).ok();
        let svg = a.to_svg(names.as_ref()).unwrap();
        assert_xml(&svg);
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let dot = a.to_dot(names.as_ref());
        for line in dot.lines() {
            let open = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
            prop_assert_eq!(open % 2, 0, "{}", line);
        }
    }
}

/// Checks that tags nest, attributes are quoted, and `&` starts an entity.
fn assert_xml(text: &str) {
    let mut open: Vec<&str> = vec![];
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare >");
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    for (at, _) in text.match_indices('&') {
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(entities.iter().any(|entity| text[at..].starts_with(entity)));
    }
}

#[test]
fn golden_languages_have_their_sizes() {
    let golden = assay_array::testing::golden(env!("CARGO_MANIFEST_DIR"), "glws");
    let case = assay_array::testing::cases(&golden)
        .iter()
        .find(|case| case["setting"] == "generic automata")
        .expect("a case of generic automata");
    let length = case["inputs"]["logits_weak"].as_array().unwrap().len();
    let languages = case["expected_bags"].as_object().unwrap();
    assert!(!languages.is_empty());
    for (name, expected) in languages {
        let nfa = match name.as_str() {
            "at_least_3" => Nfa::at_least(2, 1, 3),
            "between_2_4" => Nfa::between(2, 1, 2, 4),
            "at_most_1" => Nfa::at_most(2, 1, 1),
            "regex_0s1p0s" => Nfa::from_regex("0*1+0*", 2),
            "no_adjacent_ones" => Nfa::no_two_adjacent(2, 1),
            "even_parity" => Nfa::parity(2, 1, Parity::Even),
            "infeasible_count_9" => Nfa::between(2, 1, 9, 9),
            other => panic!("no constructor for {other}"),
        };
        let count = nfa.unwrap().count_accepted(length).unwrap();
        assert_eq!(count, u128::from(expected["num_accepted"].as_u64().unwrap()), "{name}");
    }
}

#[test]
fn constructors_are_minimal_and_equal_their_expressions() {
    let check = |nfa: Result<Nfa, Error>, pattern: &str, classes: usize| {
        let nfa = nfa.unwrap();
        let regex = Nfa::from_regex(pattern, classes).unwrap();
        assert_eq!(nfa.distinguishing_string(&regex, CAP).unwrap(), None, "{pattern}");
        assert_eq!(nfa.num_states(), regex.num_states(), "{pattern} is not minimal");
        assert!(nfa.is_deterministic() && nfa.is_unweighted());
    };
    for classes in 1..=4 {
        for c in 0..classes {
            let n = format!("[^{c}]");
            for k in 0..4 {
                check(Nfa::at_least(classes, c, k), &format!("({n}*{c}){{{k}}}.*"), classes);
                check(Nfa::at_most(classes, c, k), &format!("{n}*({c}{n}*){{0,{k}}}"), classes);
                for low in 0..=k {
                    let pattern = format!("{n}*({c}{n}*){{{low},{k}}}");
                    check(Nfa::between(classes, c, low, k), &pattern, classes);
                }
            }
            check(Nfa::contiguous(classes, c), &format!("{n}*{c}+{n}*"), classes);
            let even = format!("({n}*{c}{n}*{c})*{n}*");
            check(Nfa::parity(classes, c, Parity::Even), &even, classes);
            check(Nfa::parity(classes, c, Parity::Odd), &format!("!({even})"), classes);
            check(Nfa::no_two_adjacent(classes, c), &format!("!(.*{c}{c}.*)"), classes);
            check(Nfa::one_of(classes, &[c]), &format!("{c}"), classes);
        }
        let list = |sign: fn(usize) -> String| -> String {
            (0..classes).map(sign).collect::<Vec<_>>().join("|")
        };
        check(Nfa::not_below(classes), &list(|c| format!("{c}[0-{c}]")), classes);
        check(Nfa::similar(classes), &list(|c| format!("{c}{c}")), classes);
        if classes > 1 {
            check(Nfa::dissimilar(classes), &list(|c| format!("{c}[^{c}]")), classes);
        }
    }
    check(Nfa::presence_vector(&[true, false, true]), "[02]* & .*0.* & .*2.*", 3);
    check(Nfa::count_vector(&[2, 0, 1]), "[02]{3} & ([^0]*0[^0]*){2} & ([^2]*2[^2]*)", 3);
    assert!(matches!(Nfa::between(2, 1, 3, 2), Err(Error::Interval { low: 3, high: 2, .. })));
    assert!(matches!(Nfa::at_least(2, 2, 3), Err(Error::ClassOutOfRange { class: 2, .. })));
    assert!(matches!(Nfa::parity(0, 0, Parity::Odd), Err(Error::NoClasses { .. })));
    for count in [1 << 23, usize::MAX] {
        assert!(matches!(Nfa::at_most(2, 1, count), Err(Error::TooManyStates { .. })));
    }
}

#[test]
fn alphabets_must_agree() {
    let (a, b) = (Nfa::from_regex("0*", 2).unwrap(), Nfa::from_regex("0*", 3).unwrap());
    let errors = [
        a.union(&b).unwrap_err(),
        a.concatenation(&b).unwrap_err(),
        a.intersection(&b).unwrap_err(),
        a.difference(&b, CAP).unwrap_err(),
        a.is_equivalent(&b, CAP).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::AlphabetMismatch { left: 2, right: 3, .. }), "{error}");
    }
    assert!(matches!(a.accepts(&[2]), Err(Error::ClassOutOfRange { class: 2, .. })));
}

#[test]
fn blow_ups_are_errors() {
    // A wrong number of classes or states is no allocation.
    assert!(NfaBuilder::new(1, usize::MAX).build().is_err());
    assert!(NfaBuilder::new(usize::MAX, 2).build().is_err());
    assert!(matches!(Nfa::count(1 << 20, 0, 1 << 20), Err(Error::TooManySteps { .. })));
    // Which class stood 20 places before the end: 2^21 states when deterministic.
    let start =
        NfaBuilder::new(22, 2).initial(0).accepting(21).arc(0, 0, 0).arc(0, 1, 0).arc(0, 1, 1);
    let far = (1..21).fold(start, |nfa, q| nfa.arc(q, 0, q + 1).arc(q, 1, q + 1)).build().unwrap();
    assert!(matches!(
        far.determinise(1000),
        Err(Error::TooManyStates { num_states: 1001, limit: 1000, .. })
    ));
    assert!(far.minimise(1000).is_err() && far.complement(1000).is_err());
    assert_eq!(far.reverse().unwrap().minimise(1000).unwrap().num_states(), 22);
    // Residual weights e^{±n} for 1^n: no deterministic equivalent.
    let twins = NfaBuilder::new(3, 2)
        .arc(0, 0, 1)
        .arc(0, 0, 2)
        .weighted_arc(1, 1, 1, -1.0)
        .weighted_arc(2, 1, 2, -2.0)
        .arc(1, 0, 1)
        .initial(0)
        .accepting(1)
        .accepting(2)
        .build()
        .unwrap();
    assert!(matches!(twins.determinise(500), Err(Error::TooManyStates { limit: 500, .. })));
    // Products of products, repeats of repeats.
    let many = Nfa::at_most(2, 1, 1000).unwrap();
    let more = Nfa::at_most(2, 0, 1000).unwrap();
    assert!(matches!(many.intersection(&more), Err(Error::TooManyStates { .. })));
    let long = many.repeat(u32::MAX, None).unwrap_err();
    assert!(matches!(long, Error::TooManyStates { .. }), "{long}");
}

#[test]
fn counts_overflow_into_errors() {
    let any = Nfa::from_regex(".*", 10).unwrap();
    assert_eq!(any.count_accepted(38).unwrap(), 10_u128.pow(38));
    assert!(matches!(any.count_accepted(39), Err(Error::CountOverflow { length: 39 })));
    assert!(close(any.log_count_accepted(1000).unwrap(), 1000.0 * 10_f64.ln()));
    // Prefixes overflow, the whole does not: nothing is accepted beyond two ones.
    let few = Nfa::from_regex("1{0,2}|.*1{200}", 10).unwrap();
    assert_eq!(few.count_accepted(199).unwrap(), 0);
    assert_eq!(few.count_accepted(200).unwrap(), 1);
    assert_eq!(Nfa::from_regex("0*", 2).unwrap().count_accepted(100_000).unwrap(), 1);
}

#[test]
fn huge_weights_give_no_nan() {
    let nfa = NfaBuilder::new(2, 1)
        .initial(0)
        .accepting(0)
        .accepting(1)
        .weighted_arc(0, 0, 0, f64::MAX)
        .weighted_arc(0, 0, 1, -f64::MAX)
        .weighted_arc(1, 0, 1, f64::MAX)
        .weighted_arc(1, 0, 0, f64::NEG_INFINITY)
        .build()
        .unwrap();
    for length in 0..5 {
        assert!(!nfa.log_weight(&vec![0; length]).unwrap().is_nan());
    }
    // Products beyond the range of numbers are refused when they are built.
    assert!(matches!(nfa.intersection(&nfa), Err(Error::LogWeight { .. })));
    let results = [nfa.determinise(50), nfa.minimise(50), nfa.star(), nfa.concatenation(&nfa)];
    for result in results.into_iter().flatten() {
        assert!(result.arcs().iter().all(|arc| !arc.log_weight.is_nan()));
    }
}
