//! Pictures hold what they show, and no NaN, whatever the data.

use assay_array::random::stream;
use dac_calibration::measures::RiskTies;
use dac_calibration::{BinaryForecasts, Binning, Logits, pictures};

use crate::common::{classifier, forecasts};

#[test]
fn every_picture_is_drawn_and_holds_no_nan() {
    let (p, y) = forecasts(&mut stream(1, "pictures", 0), 500);
    let many = BinaryForecasts::new(&p, &y).unwrap();
    let one = BinaryForecasts::new(&[1.0], &[true]).unwrap();
    for forecasts in [&many, &one] {
        for binning in [Binning::equal_width(10), Binning::equal_mass(7), Binning::equal_width(1)] {
            let bins = forecasts.reliability(&binning).unwrap();
            let risk = forecasts.risk_coverage(RiskTies::Expected);
            let drawn = [
                pictures::reliability("a < b", forecasts, &binning).unwrap(),
                pictures::bars("bars", &bins),
                pictures::counts("counts", &bins),
                pictures::before_and_after("two", &[("before", &bins), ("after", &bins)]).unwrap(),
                pictures::risk_coverage("risk", &[("one", &risk)]),
                pictures::intervals("intervals", "ECE", &[("ECE", 0.1, [0.05, 0.2])]),
            ];
            for svg in drawn {
                let text = svg.standalone();
                assert!(text.starts_with("<svg") || text.starts_with("<?xml"), "{}", &text[..40]);
                assert!(!text.contains("NaN") && !text.contains("inf\""), "{text}");
            }
        }
    }
    let (z, labels, _) = classifier(1, 100, 4);
    let probs = Logits::new(z.view()).unwrap().softmax();
    let classes = probs.classwise(&labels, &Binning::equal_width(5)).unwrap();
    assert_eq!(pictures::classwise(&classes).unwrap().len(), 4);
    let two = pictures::reliability("x", &many, &Binning::equal_width(10)).unwrap().standalone();
    assert!(two.contains("ECE") && two.contains("smooth"));
}
