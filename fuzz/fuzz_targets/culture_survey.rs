//! Tables, seeds and task files, which users bring: any bytes, no panic.
#![no_main]

use culture_augment::evaluate::{Family, Task};
use culture_augment::survey::{AnswerRule, Scale, SurveyReader, read_seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (read_seeds(bytes), Task::read(Family::Spam, bytes));
    let mut table = b"B_COUNTRY_ALPHA,Q1,W\n".to_vec();
    table.extend(bytes);
    if let Ok(survey) = SurveyReader::new().with_weight("W").read(&table[..], &["Q1"]) {
        let scale = Scale::new(1, 4).expect("a scale");
        for (_, country) in survey.countries() {
            let tally = country.tally("Q1").expect("was read");
            for rule in [AnswerRule::Mean, AnswerRule::WeightedMean, AnswerRule::CompatOriginal] {
                let _ = rule.answer(tally, &scale);
            }
        }
    }
});
