//! The syntax tree against its printed form, and the automaton against a naive matcher.

use proptest::prelude::*;

use super::ast::{Ast, Item};
use super::{Alphabet, Regex, parse};

const CLASSES: usize = 12;

fn alphabet() -> Alphabet {
    Alphabet::new(CLASSES).unwrap().with_set("low", [0, 1]).unwrap().with_set("none", []).unwrap()
}

fn items() -> impl Strategy<Value = Item> {
    // Few classes, so that strings often match.
    prop_oneof![
        4 => (0_usize..3).prop_map(Item::Class),
        1 => (10_usize..12).prop_map(Item::Class),
        1 => (0_usize..2, 0_usize..11).prop_map(|(low, more)| Item::Range(low, low + more)),
        1 => prop_oneof![Just("low"), Just("none")].prop_map(|name| Item::Name(name.to_string())),
    ]
}

fn trees() -> impl Strategy<Value = Ast> {
    let symbol = items().prop_filter("a range needs a set", |i| !matches!(i, Item::Range(..)));
    let leaf = prop_oneof![
        1 => Just(Ast::Empty),
        1 => Just(Ast::Any),
        5 => symbol.prop_map(Ast::Symbol),
        2 => (any::<bool>(), prop::collection::vec(items(), 1..3))
            .prop_map(|(negated, items)| Ast::Set { negated, items }),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            3 => list().prop_map(Ast::Concatenation),
            2 => list().prop_map(Ast::Alternation),
            1 => list().prop_map(Ast::Intersection),
            1 => inner.clone().prop_map(|ast| Ast::Complement(Box::new(ast))),
            2 => (inner.clone(), 0_u32..3, prop::option::of(0_u32..3)).prop_map(
                |(ast, low, more)| Ast::Repeat {
                    inner: Box::new(ast),
                    low,
                    high: more.map(|more| low + more),
                }
            ),
        ]
    })
}

fn has(item: &Item, class: usize) -> bool {
    match item {
        Item::Class(only) => *only == class,
        Item::Range(low, high) => (*low..=*high).contains(&class),
        Item::Name(name) => alphabet().classes(name).unwrap().contains(&class),
    }
}

/// The meaning of a tree, word for word, by trying all splits.
fn matches(ast: &Ast, string: &[usize]) -> bool {
    match ast {
        Ast::Empty => string.is_empty(),
        Ast::Any => string.len() == 1,
        Ast::Symbol(item) => string.len() == 1 && has(item, string[0]),
        Ast::Set { negated, items } => {
            string.len() == 1 && items.iter().any(|item| has(item, string[0])) != *negated
        }
        Ast::Concatenation(parts) => match parts.as_slice() {
            [] => string.is_empty(),
            [first, rest @ ..] => (0..=string.len()).any(|i| {
                matches(first, &string[..i])
                    && matches(&Ast::Concatenation(rest.to_vec()), &string[i..])
            }),
        },
        Ast::Alternation(parts) => parts.iter().any(|part| matches(part, string)),
        Ast::Intersection(parts) => parts.iter().all(|part| matches(part, string)),
        Ast::Complement(inner) => !matches(inner, string),
        Ast::Repeat { inner, low, high } => {
            // Empty rounds can fill up to `low`.
            let low = if matches(inner, &[]) { 0 } else { *low };
            repeats(inner, low, *high, string)
        }
    }
}

fn repeats(inner: &Ast, low: u32, high: Option<u32>, string: &[usize]) -> bool {
    if string.is_empty() {
        return low == 0;
    }
    high != Some(0)
        && (1..=string.len()).any(|i| {
            matches(inner, &string[..i])
                && repeats(inner, low.saturating_sub(1), high.map(|n| n - 1), &string[i..])
        })
}

fn strings() -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for index in 0..1 + 4 + 16 {
        for class in [0, 1, 2, 11] {
            let mut longer: Vec<usize> = all[index].clone();
            longer.push(class);
            all.push(longer);
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn printing_and_parsing_is_the_identity(ast in trees()) {
        let text = ast.to_string();
        prop_assert_eq!(&parse::parse(&text, &alphabet()).unwrap(), &ast, "{}", text);
        let spaced: String = text.chars().flat_map(|c| [c, ' ']).collect();
        // White space means nothing, except inside names and numbers.
        if !text.contains(['<', '{']) {
            prop_assert_eq!(&parse::parse(&spaced, &alphabet()).unwrap(), &ast);
        }
    }

    #[test]
    fn automata_accept_what_the_naive_matcher_does(ast in trees()) {
        let regex = Regex { ast, alphabet: alphabet() };
        let nfa = regex.to_nfa_within(1 << 12).unwrap();
        prop_assert!(nfa.is_deterministic() && nfa.is_unweighted());
        prop_assert!(!nfa.is_ambiguous().unwrap());
        for string in strings() {
            let wanted = matches(&regex.ast, &string);
            prop_assert_eq!(nfa.accepts(&string).unwrap(), wanted, "{} on {:?}", regex, string);
        }
    }

    #[test]
    fn any_text_parses_or_names_a_column(text in "[0-3.()|&!*+?{},\\[\\]^<>lowe -]{0,24}") {
        match Regex::parse(&text, &alphabet()) {
            Ok(regex) => {
                let again = Regex::parse(&regex.to_string(), &alphabet()).unwrap();
                prop_assert_eq!(regex, again);
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column())),
        }
    }
}
