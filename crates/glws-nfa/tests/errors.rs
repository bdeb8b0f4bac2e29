//! Bad input: a typed error for a call that makes no sense, a typed result for a bag that cannot be.

use std::sync::Arc;

use glws_nfa::{
    Bags, Constraint, Error, Infeasible, Nfa, NfaBuilder, Outcome, count_distribution,
    cross_entropy, marginals,
};
use ndarray::{Array2, Array3, array};

#[test]
fn lengths_must_describe_the_data() {
    let logits = Array2::<f64>::zeros((5, 2));
    let error = Bags::new(logits.view(), &[2, 2]).unwrap_err();
    assert_eq!(error, Error::LengthSum { sum: 4, rows: 5 });
    assert_eq!(error.to_string(), "bags: lengths sum to 4, the logits have 5 rows");
    let overflow = Bags::new(logits.view(), &[usize::MAX, 6]).unwrap_err();
    assert_eq!(overflow, Error::LengthSum { sum: usize::MAX, rows: 5 });

    let padded = Array3::<f64>::zeros((2, 3, 2));
    let error = Bags::from_padded(padded.view(), &[3, 4]).unwrap_err();
    assert_eq!(error, Error::LengthAbovePadding { bag: 1, length: 4, padded: 3 });
    let error = Bags::from_padded(padded.view(), &[3]).unwrap_err();
    assert!(
        matches!(error, Error::Shape { ref expected, ref got, .. } if expected == &[2] && got == &[1])
    );
    let mask = Array2::from_elem((2, 4), true);
    assert!(matches!(Bags::from_mask(padded.view(), mask.view()), Err(Error::Shape { .. })));
}

#[test]
fn logits_must_be_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for row in [0, 2, 40] {
            let mut logits = Array2::zeros((41, 3));
            logits[[row, 1]] = bad;
            let error = Bags::new(logits.view(), &[2, 0, 39]).unwrap_err();
            let (bag, instance) = if row < 2 { (0, row) } else { (2, row - 2) };
            match error {
                Error::NonFiniteLogit { bag: b, instance: i, class: 1, value } => {
                    assert_eq!((b, i), (bag, instance));
                    assert!(value == bad || (value.is_nan() && bad.is_nan()));
                }
                other => panic!("{other}"),
            }
        }
    }
    let none = Array2::<f32>::zeros((3, 0));
    assert_eq!(Bags::new(none.view(), &[3]).unwrap_err(), Error::NoClasses { operation: "bags" });
}

#[test]
fn automata_are_checked() {
    let new = || NfaBuilder::new(2, 3).initial(0).accepting(1);
    let state = |operation| Error::StateOutOfRange { operation, state: 2, num_states: 2 };
    assert_eq!(new().arc(0, 0, 2).build().unwrap_err(), state("arc"));
    assert_eq!(new().arc(2, 0, 0).build().unwrap_err(), state("arc"));
    assert_eq!(new().initial(2).build().unwrap_err(), state("initial state"));
    assert_eq!(new().accepting(2).build().unwrap_err(), state("final state"));
    let class = Error::ClassOutOfRange { operation: "arc", class: 3, num_classes: 3 };
    assert_eq!(new().arc(0, 3, 1).build().unwrap_err(), class);
    for weight in [f64::NAN, f64::INFINITY] {
        for nfa in [
            new().weighted_arc(0, 0, 1, weight),
            new().weighted_initial(0, weight),
            new().weighted_accepting(0, weight),
        ] {
            assert!(matches!(nfa.build(), Err(Error::LogWeight { .. })));
        }
    }
    assert!(matches!(NfaBuilder::new(2, 0).build(), Err(Error::NoClasses { .. })));
    assert!(matches!(NfaBuilder::new(usize::MAX, 1).build(), Err(Error::TooManyStates { .. })));
    assert!(matches!(Nfa::count(2, 0, usize::MAX), Err(Error::TooManyStates { .. })));
    assert!(matches!(Nfa::count_vector(&[usize::MAX, 9]), Err(Error::TooManyStates { .. })));
    assert!(matches!(Nfa::presence_vector(&[true; 64]), Err(Error::TooManyStates { .. })));
    assert!(matches!(Nfa::presence_vector(&[true; 30]), Err(Error::TooManyStates { .. })));
    assert!(matches!(Nfa::count(0, 0, 1), Err(Error::NoClasses { .. })));
    assert!(matches!(Nfa::present(2, 2), Err(Error::ClassOutOfRange { .. })));
    assert!(matches!(Nfa::similar(0), Err(Error::NoClasses { .. })));
}

#[test]
fn constraints_must_fit_the_bags() {
    let logits = Array2::<f64>::zeros((5, 3));
    let bags = Bags::new(logits.view(), &[2, 3]).unwrap();
    let first =
        |c: Constraint| marginals(&bags, &[c, Constraint::Present { class: 0 }]).unwrap_err();
    let out_of_range = |operation| Error::ClassOutOfRange { operation, class: 3, num_classes: 3 };
    assert_eq!(first(Constraint::Count { class: 3, count: 0 }), out_of_range("count"));
    assert_eq!(first(Constraint::Present { class: 3 }), out_of_range("present"));
    assert_eq!(first(Constraint::Absent { class: 3 }), out_of_range("absent"));
    assert!(matches!(first(Constraint::CountVector(vec![1, 1])), Error::Shape { .. }));
    assert!(matches!(first(Constraint::PresenceVector(vec![true; 4])), Error::Shape { .. }));
    let other = Arc::new(Nfa::any(2).unwrap());
    let error = first(Constraint::Automaton(other));
    assert_eq!(error.to_string(), "classes of the automaton [C]: expected [3], got [2]");
    let error = marginals(&bags, &[Constraint::Similar, Constraint::Dissimilar]).unwrap_err();
    assert_eq!(error, Error::NotAPair { operation: "dissimilar", bag: 1, length: 3 });
    assert!(matches!(marginals(&bags, &[Constraint::Similar]), Err(Error::Shape { .. })));
    assert_eq!(count_distribution(&bags, 3).unwrap_err(), out_of_range("count distribution"));

    let many = Array2::<f32>::zeros((40, 10));
    let many = Bags::new(many.view(), &[40]).unwrap();
    let error = marginals(&many, &[Constraint::CountVector(vec![4; 10])]).unwrap_err();
    assert!(matches!(error, Error::TooManyStates { num_states: 9_765_625, .. }), "{error}");
}

#[test]
fn what_cannot_be_is_a_result_of_its_bag() {
    let logits = array![[0.5_f64, -0.5, 0.1], [1.0, 0.0, 0.3], [0.2, 0.2, 0.2]];
    let bags = Bags::new(logits.view(), &[2, 1]).unwrap();
    let fine = Constraint::Present { class: 2 };
    let never = NfaBuilder::new(1, 3).initial(0).arc(0, 0, 0).build().unwrap();
    let stateless = NfaBuilder::new(0, 3).build().unwrap();
    let short = Nfa::count(3, 0, 3).unwrap();
    for (constraint, why) in [
        (
            Constraint::Count { class: 0, count: 3 },
            Infeasible::CountAboveLength { count: 3, length: 2 },
        ),
        (Constraint::CountVector(vec![1, 0, 0]), Infeasible::CountsSum { sum: 1, length: 2 }),
        (
            Constraint::CountVector(vec![usize::MAX, 2, 0]),
            Infeasible::CountsSum { sum: usize::MAX, length: 2 },
        ),
        (
            Constraint::PresenceVector(vec![true; 3]),
            Infeasible::PresenceAgainstLength { present: 3, length: 2 },
        ),
        (
            Constraint::PresenceVector(vec![false; 3]),
            Infeasible::PresenceAgainstLength { present: 0, length: 2 },
        ),
        (Constraint::Automaton(Arc::new(never)), Infeasible::NoPath { length: 2 }),
        (Constraint::Automaton(Arc::new(stateless)), Infeasible::NoPath { length: 2 }),
        (Constraint::Automaton(Arc::new(short)), Infeasible::NoPath { length: 2 }),
    ] {
        let result = marginals(&bags, &[constraint, fine.clone()]).unwrap();
        assert_eq!(result.outcomes[0], Outcome::Infeasible(why));
        assert!(!why.to_string().is_empty());
        assert_eq!(result.outcomes[0].log_z(), f64::NEG_INFINITY);
        // The other bag is not touched by its neighbour.
        assert!(result.outcomes[1].is_feasible());
        let gradient = result.gradient(&bags).unwrap();
        for row in 0..2 {
            assert!(result.posterior.row(row).iter().all(|&g| g == 0.0));
            assert!(gradient.row(row).iter().all(|&g| g == 0.0));
        }
        assert!((result.posterior.row(2).sum() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn an_empty_bag_has_the_empty_sequence() {
    let padded = Array3::from_elem((6, 4, 2), f64::NAN);
    let padding = Array2::from_elem((6, 4), false);
    let bags = Bags::from_mask(padded.view(), padding.view()).unwrap();
    assert_eq!(
        (bags.len(), bags.num_instances(), bags.length(5), bags.length(6)),
        (6, 0, Some(0), None)
    );
    let result = marginals(
        &bags,
        &[
            Constraint::Count { class: 1, count: 0 },
            Constraint::Absent { class: 0 },
            Constraint::Automaton(Arc::new(Nfa::any(2).unwrap())),
            Constraint::Present { class: 1 },
            Constraint::Count { class: 1, count: 1 },
            Constraint::Automaton(Arc::new(Nfa::present(2, 1).unwrap())),
        ],
    )
    .unwrap();
    let log_z = result.log_z();
    assert_eq!(log_z[..3], [0.0; 3]);
    assert_eq!(log_z[3..], [f64::NEG_INFINITY; 3]);
    assert_eq!(bags.scatter(result.posterior.view()).unwrap(), Array3::<f64>::zeros((6, 4, 2)));

    let nothing = Array2::<f32>::zeros((0, 2));
    let no_bags = Bags::new(nothing.view(), &[]).unwrap();
    assert!(no_bags.is_empty());
    assert!(marginals(&no_bags, &[]).unwrap().outcomes.is_empty());
}

#[test]
fn shapes_of_results_are_checked() {
    let logits = Array2::<f64>::zeros((4, 2));
    let bags = Bags::new(logits.view(), &[4]).unwrap();
    let result = marginals(&bags, &[Constraint::Present { class: 1 }]).unwrap();
    let other = Bags::new(logits.view(), &[2, 2]).unwrap();
    assert!(matches!(result.gradient(&other), Err(Error::Shape { .. })));
    assert_eq!(bags.scatter(logits.view()).unwrap_err(), Error::NotPadded);
    let padded = Array3::<f64>::zeros((2, 3, 2));
    let bags = Bags::from_padded(padded.view(), &[1, 2]).unwrap();
    assert!(matches!(bags.scatter(logits.view()), Err(Error::Shape { .. })));
    let three = Array2::<f64>::zeros((3, 2));
    assert!(matches!(cross_entropy(logits.view(), three.view()), Err(Error::Shape { .. })));
    let none = Array2::<f64>::zeros((3, 0));
    assert!(matches!(cross_entropy(none.view(), none.view()), Err(Error::NoClasses { .. })));
    let empty = Array2::<f64>::zeros((0, 2));
    assert_eq!(cross_entropy(empty.view(), empty.view()).unwrap(), 0.0);
}

/// The largest, smallest and most unequal logits there are: finite results, rows that sum to 1.
#[test]
fn extreme_logits_give_no_nan() {
    let big = f32::MAX;
    let tiny = f32::MIN_POSITIVE / 8.0;
    let rows = [
        [big, -big],
        [-big, big],
        [big, big],
        [0.0, 0.0],
        [tiny, -tiny],
        [1e30, -1e30],
        [-100.0, 0.0],
        [700.0, -700.0],
    ];
    for class in 0..2 {
        for length in 2..=rows.len() {
            let logits = Array2::from_shape_fn((length, 2), |(i, c)| rows[i][c]);
            let wide = logits.mapv(|v| f64::from(v) * 5e269);
            for count in 0..=length {
                for constraint in [
                    Constraint::Count { class, count },
                    Constraint::Present { class },
                    Constraint::Absent { class },
                    Constraint::CountVector(vec![count, length - count]),
                    Constraint::Automaton(Arc::new(Nfa::count(2, class, count).unwrap())),
                ] {
                    let sound = |log_z: f64, sums: Vec<f64>| {
                        assert!(
                            log_z <= 1e-6 && log_z > f64::NEG_INFINITY,
                            "{constraint:?} {log_z}"
                        );
                        assert!(
                            sums.iter().all(|s| (s - 1.0).abs() < 1e-5),
                            "{constraint:?} {sums:?}"
                        );
                    };
                    let bags = Bags::new(logits.view(), &[length]).unwrap();
                    let result = marginals(&bags, std::slice::from_ref(&constraint)).unwrap();
                    let sums = result.posterior.rows().into_iter().map(|r| f64::from(r.sum()));
                    sound(result.outcomes[0].log_z(), sums.collect());
                    let bags = Bags::new(wide.view(), &[length]).unwrap();
                    let result = marginals(&bags, std::slice::from_ref(&constraint)).unwrap();
                    let sums = result.posterior.rows().into_iter().map(|r| r.sum());
                    sound(result.outcomes[0].log_z(), sums.collect());
                }
            }
        }
    }
    for rows in [[[big, -big], [-big, big]], [[big, -big], [big, -big]], [[1e4, 0.0], [1e4, 1.0]]] {
        let logits = Array2::from_shape_fn((2, 2), |(i, c)| rows[i][c]);
        let bags = Bags::new(logits.view(), &[2]).unwrap();
        for constraint in [Constraint::Similar, Constraint::Dissimilar] {
            let result = marginals(&bags, &[constraint]).unwrap();
            assert!(result.outcomes[0].is_feasible() && !result.outcomes[0].log_z().is_nan());
            let sums = result.posterior.rows().into_iter().map(|row| row.sum());
            assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{result:?}");
        }
    }
}
