//! Any text is a regular expression or an error with a column; compiling ends within its caps.
#![no_main]

use glws_nfa::{Alphabet, Regex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let alphabet = Alphabet::new(12).and_then(|a| a.with_set("low", [0, 1])).expect("an alphabet");
    match Regex::parse(text, &alphabet) {
        Ok(regex) => {
            let again = Regex::parse(&regex.to_string(), &alphabet).expect("what was printed parses");
            assert_eq!(regex, again);
            if let Ok(nfa) = regex.to_nfa_within(256) {
                assert!(nfa.is_deterministic());
                assert_eq!(nfa.shortest_string().is_none(), nfa.is_empty());
                if let Some(string) = nfa.shortest_string() {
                    assert_eq!(nfa.accepts(&string), Ok(true));
                }
            }
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column()));
            assert!(!error.to_string().is_empty());
        }
    }
});
