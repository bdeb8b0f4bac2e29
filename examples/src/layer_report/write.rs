#![allow(clippy::print_stdout)] // the end of a program that talks to its user

use std::path::Path;

use assay_report::{json, write_whole};

use super::Measures;
use super::page::page;

/// Writes the page and the numbers into the folder `out`, and prints a line a layer.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    out: &Path,
    lead: &str,
    measures: &Measures,
    notes: &[String],
) -> Result<(), Box<dyn std::error::Error>> {
    let html = page("What the layers hold", lead, measures, notes).html();
    let numbers = json(&serde_json::json!({ "notes": notes, "measures": measures }))?;
    write_whole(out, &[("report.json", numbers), ("index.html", html)])?;
    for layer in &measures.layers {
        let report = &layer.sentences;
        println!(
            "layer {:>3}  d {:>5}  entropy {:.4} of {:.4}  effective rank {:.3}",
            layer.layer,
            report.columns,
            report.entropy.mean,
            report.cap.mean,
            report.geometric_rank()
        );
    }
    println!("The whole report: {}", out.join("index.html").display());
    Ok(())
}
