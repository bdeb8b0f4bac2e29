//! Automata as text: OpenFST's format and serde.

#[cfg(feature = "serde")]
use glws_nfa::NfaBuilder;
use glws_nfa::{Alphabet, Error, Nfa};

#[test]
fn openfst_text_is_checked() {
    let read = |text: &str| Nfa::from_openfst(text, 2, None, 0);
    let wrong = |text: &str, line: usize, word: &str| match read(text) {
        Err(Error::OpenFst(error)) => {
            assert_eq!(error.line(), line, "{error}");
            assert!(error.to_string().contains(word), "{error}");
        }
        other => panic!("{text:?}: {other:?}"),
    };
    wrong("0 1 1\n\n0 1 2\n", 3, "below 2");
    wrong("0 1 1\n-1\n", 2, "state number");
    wrong("0 1 x\n", 1, "\"x\"");
    wrong("0 1 1 abc\n", 1, "weight");
    wrong("0 1 1 nan\n", 1, "weight");
    wrong("0 1 1 -inf\n", 1, "weight");
    wrong("0 1 1 0.5 7\n", 1, "5 fields");
    wrong("0 1 1\n1\n1 0.5\n", 3, "earlier");
    wrong("99999999999999999999 1 1\n", 1, "2^64");
    // Huge state numbers cost nothing.
    let nfa = read("4294967295 18446744073709551615 1 0.5\n18446744073709551615\n").unwrap();
    assert_eq!(nfa.num_states(), 2);
    assert_eq!(nfa.log_weight(&[1]).unwrap(), -0.5);
    assert!(read("").unwrap().is_empty());
    // An arc that is not there still names the start.
    let nfa = read("1 0 0 Infinity\n1 1 1\n1\n").unwrap();
    assert!(nfa.accepts(&[1]).unwrap() && !nfa.accepts(&[0]).unwrap());
}

#[test]
fn openfst_text_has_names() {
    let names = Alphabet::named(["cat", "big dog"]).unwrap();
    let nfa = Nfa::from_regex("0*1", 2).unwrap();
    let text = nfa.to_openfst(Some(&names), 1);
    assert_eq!(text, "0\t0\tcat\n0\t1\tbig_dog\n1\n");
    assert_eq!(Nfa::from_openfst(&text, 2, Some(&names), 1).unwrap(), nfa);
    assert_eq!(glws_nfa::openfst::symbol_table(&names, 1), "<eps>\t0\ncat\t1\nbig_dog\t2\n");
}

#[cfg(feature = "serde")]
#[test]
fn serde_reads_only_valid_automata() {
    let nfa = NfaBuilder::new(2, 2)
        .weighted_initial(0, -0.5)
        .weighted_accepting(1, -1.0)
        .weighted_arc(0, 1, 1, f64::NEG_INFINITY)
        .weighted_arc(0, 0, 1, -0.25)
        .build()
        .unwrap();
    let text = serde_json::to_string(&nfa).unwrap();
    assert_eq!(serde_json::from_str::<Nfa>(&text).unwrap(), nfa);
    for bad in [
        r#"{"num_states":1,"num_classes":2,"initial":[[1,0]],"accepting":[],"arcs":[]}"#,
        r#"{"num_states":1,"num_classes":0,"initial":[],"accepting":[],"arcs":[]}"#,
        r#"{"num_states":1,"num_classes":2,"initial":[],"accepting":[],"arcs":[[0,2,0,0.0]]}"#,
        r#"{"num_states":1e18,"num_classes":2,"initial":[],"accepting":[],"arcs":[]}"#,
        r#"{"num_states":1000000000000,"num_classes":2,"initial":[],"accepting":[],"arcs":[]}"#,
    ] {
        assert!(serde_json::from_str::<Nfa>(bad).is_err(), "{bad}");
    }
}
