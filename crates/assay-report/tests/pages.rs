//! Pages stand alone and let nothing through.

use assay_report::{BarChart, Cell, Color, Page, Picture, Section, Table, Text};
use proptest::prelude::*;

use crate::sound::assert_well_formed;

/// HTML elements that have no end.
const VOID: [&str; 3] = ["meta", "br", "img"];

fn page(text: &str) -> Page {
    let mut page = Page::new(text).with_language(text);
    page.lead(text);
    page.top().warning(text);
    let mut section = Section::new(text).with_id(text);
    section
        .paragraph(Text::new(text).em(text).strong(text).code(text).link(text, text))
        .list([text, text])
        .code(text)
        .table(
            Table::new([text, "n"])
                .row([Cell::text(text).key(Color::Green).small(text), Cell::number(text).strong()])
                .row([Cell::from(text).color(Color::Orange), Cell::missing()]),
        )
        .figure(BarChart::new(text, [text]).series(text, [1.0]).svg(), text)
        .picture(Picture::grey(1, 1, &[7]).unwrap().ink(), text, text)
        .picture(Picture::svg(text, 10, 10), text, "");
    let mut below = Section::new(text);
    below.paragraph(text);
    section.folded(text, below.clone()).section(below);
    page.section(section);
    page.footer().paragraph(text);
    page
}

#[test]
fn a_page_stands_alone() {
    let html = page("plain").html();
    assert_well_formed(&html, &VOID);
    for link in html.split("src=\"").skip(1) {
        assert!(link.starts_with("data:image/"), "{link:.40}");
    }
    for fetched in ["<script", "@import", "url(", "<link", "http:", "https:"] {
        assert!(!html.contains(fetched), "{fetched}");
    }
    assert_eq!(html.matches("<h1>plain</h1>").count(), 1);
    assert!(html.contains("<h2>plain</h2>") && html.contains("<h3>plain</h3>"));
    assert!(html.contains("prefers-color-scheme: dark"));
}

#[test]
fn links_that_run_code_stay_text() {
    let linked = |address: &str| {
        let mut page = Page::new("");
        page.lead(Text::new("").link(address, "text"));
        page.html().contains("<a href=")
    };
    for fine in ["#part", "report.json", "a/b.html?x=1:2", "https://example.org/a:b"] {
        assert!(linked(fine), "{fine}");
    }
    for bad in [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,x",
        "java\nscript:x",
        "file:///etc",
    ] {
        assert!(!linked(bad), "{bad}");
    }
}

#[test]
fn headings_of_numbers_stand_to_the_right() {
    let mut page = Page::new("");
    page.top().table(Table::new(["a", "b"]).row([Cell::from("x"), Cell::number("1")]));
    assert!(page.html().contains("<th>a</th><th class=\"number\">b</th>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_text_breaks_out(text in prop_oneof![any::<String>(), "[<>&\"'/a-z= -]{0,30}", Just("</style></script>-->".to_owned())]) {
        assert_well_formed(&page(&text).html(), &VOID);
    }
}
