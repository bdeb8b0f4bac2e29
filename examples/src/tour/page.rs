//! The whole page: what the chapters found, and how to run it again.

use assay_report::{Page, Text, duration};

use crate::Manifest;
use crate::chapters::Found;

/// One file with everything.
pub(crate) fn page(manifest: &Manifest, chapters: &[Found], seconds: f64) -> String {
    let mut page = Page::new("The tour of Assay");
    page.lead(
        "Assay is a family of Rust libraries for building and testing machine-learning models that can be \
         trusted. Every chapter trains or tests something real on data that comes with the source, and says how \
         sure its numbers are.",
    );
    if manifest.quick {
        page.top().warning(
            Text::new(
                "This was a quick run: it shows that everything works, and its numbers mean nothing. Run \
                 without ",
            )
            .code("--quick")
            .plain(" for the real ones."),
        );
    }
    if chapters.len() > 1 {
        page.top().list(chapters.iter().map(|chapter| {
            let section = &chapter.section;
            Text::default().link(format!("#{}", section.id()), section.title())
        }));
    }
    for chapter in chapters {
        page.section(chapter.section.clone());
    }
    let command = command(manifest);
    page.footer()
        .paragraph(Text::default().strong("To run it again: ").code(command))
        .paragraph(
            Text::new("Assay ")
                .plain(&manifest.version)
                .plain("; burn on ")
                .code(&manifest.device)
                .plain(". This run took ")
                .plain(duration(seconds))
                .plain(". The same seed on the same kind of machine gives the same numbers, which are also in ")
                .link("report.json", "report.json")
                .plain("."),
        )
        .paragraph("MNIST: LeCun, Cortes and Burges, CC BY-SA 3.0.");
    page.html()
}

fn command(manifest: &Manifest) -> String {
    let mut words = vec![format!("cargo run --release -- --seed {}", manifest.seed)];
    if manifest.quick {
        words.push("--quick".to_owned());
    }
    if !manifest.whole {
        words.extend(manifest.chapters.iter().map(|number| format!("--chapter {number}")));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use assay_report::Section;

    use super::*;

    #[test]
    fn the_page_says_how_to_run_it_again() {
        let found = ["1. One", "3. Three"].map(|title| {
            Found::new(Section::new(title).with_id(&title[3..]), &[1], Vec::new()).unwrap()
        });
        let manifest = Manifest {
            version: "0.0.0".to_owned(),
            seed: 7,
            device: "flex".to_owned(),
            quick: true,
            chapters: vec![1, 3],
            whole: false,
        };
        let html = page(&manifest, &found, 83.4);
        for wanted in [
            "--seed 7 --quick --chapter 1 --chapter 3",
            "1 min 23 s",
            "its numbers mean nothing",
            "<a href=\"#Three\">3. Three</a>",
        ] {
            assert!(html.contains(wanted), "{wanted}");
        }
        let manifest = Manifest { quick: false, whole: true, ..manifest };
        let html = page(&manifest, &found, 1.0);
        assert!(html.contains("--seed 7</code>") && !html.contains("class=\"warning\""));
    }
}
