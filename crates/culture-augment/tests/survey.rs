//! Tables of answers, and what a culture answered.

use std::fmt::Write as _;

use culture_augment::Error;
use culture_augment::survey::*;
use proptest::prelude::*;

fn seed(id: &str, options: &str) -> SeedQuestion {
    SeedQuestion {
        topic: "T".into(),
        id: id.into(),
        content: format!("Statement {id}"),
        options: options.into(),
    }
}

#[test]
fn bad_rows_are_reported_and_the_rest_is_kept() {
    let table = "\u{feff}B_COUNTRY_ALPHA,W,Q1,Q2\n\
                 AAA,1,2,3\n\
                 AAA,1,2\n\
                 ,1,2,3\n\
                 AAA,x,2,3\n\
                 AAA,-1,2,3\n\
                 AAA,2,many,3.0\n\
                 \"BBB\",0.5,\"4\",-1\n\
                 AAA,1,2,3,4\n";
    let reader = SurveyReader::new().with_weight("W");
    let survey = reader.read(table.as_bytes(), &["Q1", "Q2"]).unwrap();
    assert_eq!((survey.rows, survey.rows_left_out, survey.answers_left_out), (3, 5, 1));
    let lines: Vec<(u64, bool)> =
        survey.bad_rows.iter().map(|row| (row.line, row.column.is_some())).collect();
    assert_eq!(lines, [(3, false), (4, false), (5, false), (6, false), (7, true), (9, false)]);
    let a = survey.country("AAA").unwrap();
    assert_eq!((a.rows, a.weight), (2, 3.0));
    assert_eq!(a.tally("Q1").unwrap().rows(), 1);
    assert_eq!(a.tally("Q2").unwrap().count(3), 2);
    assert!(a.tally("Q9").is_none());
    assert!(matches!(survey.country("CCC"), Err(Error::Unknown { what: "country", .. })));
    assert!(matches!(reader.read(&b"a,b\n1,2\n"[..], &["Q1"]), Err(Error::Column { .. })));
    let broken = [&b"B_COUNTRY_ALPHA,Q1\n\xff\xfe,1\nAAA,\xff\n"[..]];
    let survey = SurveyReader::new().read(broken[0], &["Q1"]).unwrap();
    assert_eq!((survey.rows_left_out, survey.answers_left_out), (1, 1));
}

#[test]
fn the_published_rule_forgets_row_1001() {
    // 1000 ones, then a nine, then a one: the sum is 1001 and not 1010.
    let codes = std::iter::repeat_n(1, 1000).chain([9, 1]);
    let tally = Tally::of(codes);
    assert_eq!(tally.published_mean(), Some(1001.0 / 1002.0));
    assert_eq!(tally.published_halves(), (Some(1.0), Some(5.0)));
    let scale = Scale::new(1, 10).unwrap();
    let answer = AnswerRule::CompatOriginal.answer(&tally, &scale).unwrap();
    assert_eq!(answer.label, Some(0), "cut off below one");
    assert_eq!(AnswerRule::Mean.answer(&tally, &scale).unwrap().label, Some(1));
    assert_eq!(Tally::default().published_mean(), None);
}

#[test]
fn every_rule() {
    let scale = Scale::new(1, 4).unwrap();
    let mut tally = Tally::of([1, 1, 2, 4, 4, 4, -1]);
    let label = |rule: AnswerRule, tally: &Tally| rule.answer(tally, &scale).unwrap().label;
    assert_eq!(label(AnswerRule::Mean, &tally), Some(3));
    assert_eq!(label(AnswerRule::Median, &tally), Some(2));
    assert_eq!(label(AnswerRule::Mode, &tally), Some(4));
    let answer = AnswerRule::Mean.answer(&tally, &scale).unwrap();
    assert_eq!(answer.missing, [(-1, 1)]);
    assert!((answer.missing_share().unwrap() - 1.0 / 7.0).abs() < 1e-15);
    assert_eq!(answer.distribution, [2.0 / 6.0, 1.0 / 6.0, 0.0, 3.0 / 6.0]);
    // A heavy respondent moves the weighted mean only; weights that are no weights count as none.
    tally.add(1, 100.0);
    tally.add(4, f64::NAN);
    tally.add(4, -3.0);
    assert_eq!(label(AnswerRule::WeightedMean, &tally), Some(1));
    assert_eq!(label(AnswerRule::Mean, &tally), Some(3));
    let mut huge = Tally::default();
    huge.add(1, f64::MAX);
    huge.add(2, f64::MAX);
    assert!(AnswerRule::WeightedMean.answer(&huge, &scale).is_err());
    let mut none = Tally::default();
    none.add(1, 0.0);
    let refused = AnswerRule::WeightedMean.answer(&none, &scale).unwrap();
    assert_eq!(refused.refused, Some(Refused::NoValidAnswer));
}

#[test]
fn cultures_pool_their_countries() {
    let mut table = "B_COUNTRY_ALPHA,Q1,Q2\n".to_owned();
    for (country, answer, rows) in [("BIG", 1, 90), ("SMA", 4, 10)] {
        for row in 0..rows {
            let second = if row % 4 == 0 { 2 } else { -4 };
            writeln!(table, "{country},{answer},{second}").unwrap();
        }
    }
    let survey = SurveyReader::new().read(table.as_bytes(), &["Q1", "Q2"]).unwrap();
    let seeds = [seed("Q1", "1. a 2. b 3. c 4. d"), seed("Q2", "1. a 2. b 3. c 4. d")];
    let both =
        Culture { name: "Both".into(), countries: vec![("BIG".into(), 1.0), ("SMA".into(), 3.0)] };
    let mean = |pooling: Pooling| {
        let found = answers(&survey, &both, &seeds, AnswerRule::Mean, pooling, 0.5).unwrap();
        assert!(
            matches!(found[1].refused, Some(Refused::TooFewValid { .. })),
            "a quarter is valid"
        );
        assert_eq!((found[1].label, found[1].rows, found[1].valid), (None, 100, 26));
        found[0].mean.unwrap()
    };
    assert!((mean(Pooling::Equal) - 2.5).abs() < 1e-12);
    assert!((mean(Pooling::Respondents) - 1.3).abs() < 1e-12);
    assert!((mean(Pooling::Population) - 3.25).abs() < 1e-12);
    let compat =
        answers(&survey, &both, &seeds, AnswerRule::CompatOriginal, Pooling::Equal, 0.5).unwrap();
    assert_eq!(compat[0].label, Some(2));

    let ask = |culture: &Culture, seeds: &[SeedQuestion], least| {
        answers(&survey, culture, seeds, AnswerRule::Mean, Pooling::Equal, least)
    };
    assert!(matches!(
        ask(&Culture::of("X", "XXX"), &seeds, 0.5),
        Err(Error::Unknown { what: "country", .. })
    ));
    assert!(matches!(
        ask(&both, &[seed("Q9", "1. a 2. b")], 0.5),
        Err(Error::Unknown { what: "question", .. })
    ));
    assert!(ask(&both, &seeds, 1.5).is_err());
    let nobody = Culture { name: "N".into(), countries: vec![] };
    assert!(matches!(ask(&nobody, &seeds, 0.5), Err(Error::Empty { .. })));
    let negative =
        Culture { name: "N".into(), countries: vec![("BIG".into(), -1.0), ("SMA".into(), 1.0)] };
    assert!(ask(&negative, &seeds, 0.5).is_err());
}

#[test]
fn seeds_are_checked() {
    assert_eq!(demo_seeds().unwrap().len(), 12);
    let line = |id: &str, content: &str, option: &str| {
        format!(
            "{{\"topic\":\"T\",\"q_id\":\"{id}\",\"q_content\":\"{content}\",\"option\":\"{option}\"}}\n"
        )
    };
    let read = |text: String| read_seeds(text.as_bytes());
    assert!(matches!(read(String::new()), Err(Error::Empty { .. })));
    let good = line("A", "x", "1. a 2. b");
    for (bad, at) in [
        (line("A", " ", "1. a 2. b"), 2),
        (line("B", "x", "yes or no"), 2),
        (line("B", "x", "4. Disagree 4. Strongly disagree"), 2),
        ("{".to_owned(), 2),
    ] {
        match read(good.clone() + &bad) {
            Err(Error::Line { line, .. }) => assert_eq!(line, at),
            other => panic!("{bad}: {other:?}"),
        }
    }
    let disagree = read(good.clone() + &line("A", "y", "1. a 2. b 3. c"));
    assert!(matches!(disagree, Err(Error::Scales { .. })));
    assert!(Scale::new(3, 3).is_err() && Scale::new(i64::MIN, i64::MAX).is_err());
}

proptest! {
    #[test]
    fn labels_stay_on_the_scale(codes in proptest::collection::vec(-5..12_i64, 0..50), low in 0..3_i64, span in 1..8_i64) {
        let scale = Scale::new(low, low + span).unwrap();
        let tally = Tally::of(codes.iter().copied());
        for rule in [AnswerRule::Mean, AnswerRule::WeightedMean, AnswerRule::Median, AnswerRule::Mode] {
            let answer = rule.answer(&tally, &scale).unwrap();
            prop_assert_eq!(answer.label.is_some(), codes.iter().any(|&c| scale.contains(c)));
            prop_assert!(answer.label.is_none_or(|label| scale.contains(label)));
            let sum: f64 = answer.distribution.iter().sum();
            prop_assert!(answer.label.is_none() || (sum - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn any_table_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SurveyReader::new().read(&bytes[..], &["Q1"]);
        let mut with_head = b"B_COUNTRY_ALPHA,Q1\n".to_vec();
        with_head.extend(&bytes);
        prop_assert!(SurveyReader::new().read(&with_head[..], &["Q1"]).is_ok());
        let _ = read_seeds(&bytes[..]);
    }
}
