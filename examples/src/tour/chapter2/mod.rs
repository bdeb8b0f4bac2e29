//! Chapter 2: make it robust, and say how far.
//!
//! Four small vision transformers of the same digits: as they come, with the penalty on attention's
//! singular values, against an adversary, and with bounded norms. Each is attacked and certified.

mod certify;
mod error;
mod judge;
mod learn;
mod norms;
mod page;
mod results;
mod settings;
mod way;

use assay_examples::parallel::{Job, in_parallel};

use crate::chapters::{ChapterError, Found, Tour};
use error::RobustError;
use results::{Judged, Numbers};
use settings::Settings;
use way::Way;

/// Trains, attacks and certifies all.
pub(crate) fn run(tour: &Tour) -> Result<Found, ChapterError> {
    let settings = if tour.quick { Settings::quick() } else { Settings::full() };
    let results = all(tour, &settings)?;
    let section = page::section(&results, &settings)?;
    let numbers: Vec<&Numbers> = results.iter().map(|result| &result.numbers).collect();
    let summary = page::summary(&numbers);
    let numbers = serde_json::json!({ "settings": settings, "models": numbers });
    Ok(Found::new(section, &numbers, summary)?)
}

fn all(tour: &Tour, settings: &Settings) -> Result<[Judged; 4], RobustError> {
    let job = |way: Way| {
        let work = settings.work(judge::LINF.len() + judge::L2.len());
        Job::new(way.name(), work, move |task| {
            let vit = learn::learn(tour, settings, way, task)?;
            judge::judge(tour, settings, way, vit, task)
        })
    };
    // The longest first, so that no thread is left with it at the end.
    let jobs = [Way::Adversarial, Way::Bounded, Way::Penalty, Way::Plain].map(job);
    let [adversarial, bounded, penalty, plain] =
        in_parallel::<_, RobustError, 4>(jobs, tour.progress)?;
    Ok([plain, penalty, adversarial, bounded])
}

#[cfg(test)]
mod tests {
    use assay_examples::mnist::{Mnist, PIXELS, SIDE, Split};
    use assay_examples::progress::Progress;
    use assay_examples::train::Schedule;

    use super::*;

    /// Noise, and a bright square whose place tells the class.
    fn split(count: usize) -> Split {
        let mut pixels = Vec::with_capacity(count * PIXELS);
        for image in 0..count {
            let (top, left) = (9 * (image % 10 / 4), 7 * (image % 10 % 4));
            pixels.extend((0..PIXELS).map(|p| {
                let inside =
                    (top..top + 7).contains(&(p / SIDE)) && (left..left + 7).contains(&(p % SIDE));
                if inside { 250 } else { (p * 31 + image * 17) as u8 % 40 }
            }));
        }
        Split::from_parts(pixels, (0..count).map(|image| (image % 10) as u8).collect()).unwrap()
    }

    #[test]
    fn all_are_trained_attacked_and_certified_and_nothing_contradicts() {
        let data = Mnist { train: split(48), test: split(20) };
        let progress = Progress::new();
        let device = assay_tensor::device("flex").unwrap();
        let tour = Tour { seed: 1, quick: true, device, data: &data, progress: &progress };
        let quick = Settings::quick();
        let schedule = Schedule { passes: 5, batch: 16, ..quick.schedule };
        let settings =
            Settings { images: 48, schedule, attacked: 4, tested: 20, steps: 2, ..quick };
        let results = all(&tour, &settings).unwrap();
        for result in &results {
            let n = &result.numbers;
            for evaluation in [&n.linf, &n.l2] {
                assert_eq!(evaluation.violations, [] as [String; 0], "{:?}", n.way);
                assert_eq!(evaluation.samples, 4);
            }
            assert!(n.certified.windows(2).all(|w| w[0][1] >= w[1][1]), "{:?}", n.certified);
            assert!(result.derivation.contains("blocks.0.attention"));
            // Only the bounded network has a constant for all images, above what it does near some.
            assert_eq!(n.l2.lipschitz.is_some(), n.way == Way::Bounded);
            assert_eq!(result.shown.taken_for.len(), 4);
        }
        let [plain, penalty, ..] = &results;
        assert!(penalty.numbers.sigma < plain.numbers.sigma);
        let section = page::section(&results, &settings).unwrap();
        let html = {
            let mut page = assay_report::Page::new("test");
            page.section(section);
            page.html()
        };
        assert!(html.contains("certified ≤ attacked ≤ clean") && !html.contains("NaN"));

        let again = all(&tour, &settings).unwrap();
        for (a, b) in results.iter().zip(&again) {
            assert_eq!(a.numbers, b.numbers);
        }
    }
}
