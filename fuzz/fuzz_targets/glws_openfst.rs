//! Any text is an automaton in OpenFST's format or an error; what is read is written back the same.
#![no_main]

use glws_nfa::Nfa;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(nfa) = Nfa::from_openfst(text, 4, None, 1) else { return };
    let written = nfa.to_openfst(None, 1);
    let again = Nfa::from_openfst(&written, 4, None, 1).expect("what was written is read");
    // The start may have been renumbered, so compare a few strings rather than the automata.
    for string in [&[][..], &[0], &[1, 2], &[3, 3, 0]] {
        let (a, b) = (nfa.log_weight(string), again.log_weight(string));
        let (a, b) = (a.expect("classes exist"), b.expect("classes exist"));
        assert!(a == b || (a - b).abs() <= 1e-9 * (1.0 + a.abs()), "{a} and {b}");
    }
    let _ = nfa.is_ambiguous();
    let _ = nfa.minimise(64);
    let _ = nfa.to_svg(None);
});
