//! The page of a report: one file, no script, nothing fetched.

use std::fmt::Write;

use super::svg::{class, confusion, escape, intervals, learning_curves, percent, short};
use super::{Context, Method, Report, Story, picture};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn page(report: &Report, context: &Context) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>The tour of Assay</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    html += &header(report);
    for story in &report.stories {
        html += &section(story, context);
    }
    html += &footer(report, context);
    html + "</main>\n</body>\n</html>\n"
}

fn header(report: &Report) -> String {
    let manifest = &report.manifest;
    let mut html = format!(
        "<header>\n<h1>Learning digits without labels</h1>\n\
         <p>A LeNet-5 learns the digits of MNIST, but nobody tells it what any single image shows. All it \
         hears is something about a <em>bag</em> of images or a <em>pair</em>. The exact loss sums over every \
         labelling of the bag that agrees with what was said; the <em>obvious</em> loss is what one would \
         try first; the <em>oracle</em> is the same network with all labels of the same {} images. \
         Every network is judged on test images that none has seen.</p>\n",
        manifest.training_images
    );
    if manifest.quick {
        html += "<p class=\"warning\">This was a quick run: it shows that everything works, and its \
                 numbers mean nothing. Run without <code>--quick</code> for the real ones.</p>\n";
    }
    html += "<table class=\"summary\">\n<thead><tr><th>what is told</th><th>exact loss</th>\
             <th>obvious loss</th><th>oracle</th></tr></thead>\n<tbody>\n";
    for story in &report.stories {
        let _ = write!(
            html,
            "<tr><th><a href=\"#{}\">{}</a></th>",
            escape(&story.id),
            escape(&story.title)
        );
        for method in &story.methods {
            let _ = write!(
                html,
                "<td class=\"{}\">{}</td>",
                class(method.role),
                percent(method.score.accuracy)
            );
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</header>\n"
}

fn section(story: &Story, context: &Context) -> String {
    let mut html = format!(
        "<section id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"samples\">\n",
        escape(&story.id),
        escape(&story.title),
        escape(&story.setting)
    );
    for sample in &story.samples {
        let _ = writeln!(
            html,
            "<figure><img alt=\"{} handwritten digits\" src=\"{}\"><figcaption>{}</figcaption></figure>",
            sample.images.len(),
            picture::strip(context.train, &sample.images),
            escape(&sample.told)
        );
    }
    html += "</div>\n<table>\n<thead><tr><th>network</th><th>accuracy</th></tr></thead>\n<tbody>\n";
    for method in &story.methods {
        html += &row(method);
    }
    html += "</tbody>\n</table>\n<div class=\"charts\">\n<figure>\n";
    html += &intervals(&story.methods);
    html +=
        "<figcaption>Accuracy with its 95 % interval (Wilson)</figcaption></figure>\n<figure>\n";
    html += &learning_curves(&story.methods);
    html +=
        "<figcaption>Accuracy on a part of the test images after each pass</figcaption></figure>\n";
    if let Some(method) = story.methods.first() {
        html += "<figure>\n";
        html += &confusion(&method.score);
        let _ = writeln!(
            html,
            "<figcaption>What “{}” answers to each class</figcaption></figure>",
            escape(&method.name)
        );
    }
    html + "</div>\n</section>\n"
}

fn row(method: &Method) -> String {
    let [low, high] = method.score.interval;
    let seen = method.curve.last().map_or(0, |point| point.images);
    format!(
        "<tr><td><span class=\"key {}\"></span><strong>{}</strong><br><small>{}; {} passes, {} images \
         seen</small></td><td class=\"number\"><strong>{}</strong><br><small>{:.1} to {} of {}</small></td></tr>\n",
        class(method.role),
        escape(&method.name),
        escape(&method.loss),
        method.schedule.passes,
        short(seen),
        percent(method.score.accuracy),
        100.0 * low,
        percent(high),
        short(method.score.judged)
    )
}

fn footer(report: &Report, context: &Context) -> String {
    let manifest = &report.manifest;
    format!(
        "<footer>\n<h2>To run it again</h2>\n<p><code>cargo run --release -- --seed {}{}</code></p>\n\
         <p>Assay {}; burn on <code>{}</code>; {} training images in {} bags, with {} comparisons; {} test images, of \
         which {} judge “nine or not” (as many nines as other digits, so that guessing is right half of the \
         time). This run took {}. The same seed on the same kind of machine gives the same numbers, which are \
         also in <a href=\"report.json\">report.json</a>.</p>\n<p>MNIST: LeCun, Cortes and Burges, CC BY-SA 3.0.</p>\n</footer>\n",
        manifest.seed,
        if manifest.quick { " --quick" } else { "" },
        escape(&manifest.version),
        escape(&manifest.device),
        manifest.training_images,
        manifest.bags,
        manifest.comparisons,
        manifest.test_images,
        manifest.balanced_test_images,
        duration(context.seconds)
    )
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 60, whole % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mnist::{PIXELS, Split};

    #[test]
    fn a_page_stands_alone() {
        let report = super::super::sample::report();
        let train = Split::from_parts(vec![9; 2 * PIXELS], vec![1, 2]);
        let html = page(&report, &Context { train: &train, seconds: 83.4 });
        for wanted in
            ["How many &lt;nines&gt;?", "a &lt; b &amp; c", "1 min 23 s", "--seed 7 --quick"]
        {
            assert!(html.contains(wanted), "{wanted}");
        }
        // Nothing is fetched but the numbers beside the page.
        for link in html.split("href=\"").skip(1).chain(html.split("src=\"").skip(1)) {
            let fine = ["#", "report.json", "data:image/png;base64,"];
            assert!(fine.iter().any(|start| link.starts_with(start)), "{}", &link[..30]);
        }
        assert!(!html.contains("<script") && !html.contains("NaN"));
        for tag in ["section", "figure", "table", "tr", "td", "th", "svg", "p", "div"] {
            let opened = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [duration(12.4), duration(60.0), duration(200.0)],
            ["12 s", "1 min 0 s", "3 min 20 s"]
        );
    }
}
