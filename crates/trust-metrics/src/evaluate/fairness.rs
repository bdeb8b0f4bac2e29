//! Fairness: whether verdicts depend on the group that a question is about.

use std::collections::BTreeMap;

use assay_score::statistics::{Yates, chi_square};

use super::{Estimate, Judged, TaskReport};
use crate::Result;
use crate::task::TaskSpec;

/// How often each group had each verdict.
pub(super) type Counts = BTreeMap<(String, String), u64>;

pub(super) fn independent(
    spec: &TaskSpec,
    judged: &[Judged<'_>],
    fields: &[String],
    report: &mut TaskReport,
) -> Result<()> {
    let mut tables = Vec::new();
    for field in fields {
        let mut counts = Counts::new();
        for one in judged {
            // Only verdicts: "not sure" is no column, and is counted in the coverage.
            if let Some(label) = one.outcome.as_label() {
                let group = one.item.required(&spec.id, field)?;
                *counts.entry((group, label.to_owned())).or_default() += 1;
            }
        }
        tables.push((&field[..], counts));
    }
    tested(tables, report)
}

/// Tests each field's counts, and reports the largest effect.
pub(super) fn tested<'f>(
    tables: impl IntoIterator<Item = (&'f str, Counts)>,
    report: &mut TaskReport,
) -> Result<()> {
    let mut largest: Option<f64> = None;
    let (mut p_values, mut fields) = (Vec::new(), Vec::new());
    for (field, counts) in tables {
        let mut rows: Vec<&String> = counts.keys().map(|(group, _)| group).collect();
        let mut columns: Vec<&String> = counts.keys().map(|(_, verdict)| verdict).collect();
        columns.sort_unstable();
        rows.dedup();
        columns.dedup();
        if rows.is_empty() || columns.is_empty() {
            report.warnings.push(format!("no verdict to test against {field}"));
            continue;
        }
        let mut table = vec![0; rows.len() * columns.len()];
        for ((group, verdict), count) in &counts {
            let (row, column) = (rows.binary_search(&group), columns.binary_search(&verdict));
            if let (Ok(row), Ok(column)) = (row, column) {
                table[row * columns.len() + column] += count;
            }
        }
        let found = chi_square(&table, columns.len(), Yates::TwoByTwo)?;
        report.details.insert(format!("p {field}"), Some(found.p_value));
        report.details.insert(format!("Cramér's V {field}"), found.cramers_v);
        if found.degrees_of_freedom == 0 {
            report
                .warnings
                .push(format!("every answer is the same: nothing to test against {field}"));
        } else if found.smallest_expected < 5.0 {
            report
                .warnings
                .push(format!("expected counts below 5 by {field}: the p-value is rough"));
        }
        p_values.push(found.p_value);
        fields.push(field);
        if let Some(v) = found.cramers_v {
            largest = Some(largest.map_or(v, |most| f64::max(most, v)));
        }
    }
    for (field, adjusted) in fields.iter().zip(assay_score::statistics::holm(&p_values)?) {
        report.details.insert(format!("p {field} (Holm)"), Some(adjusted));
    }
    // A p-value is no score: the effect is.
    report.parsed_only = largest;
    report.value = largest.map(|value| Estimate {
        value,
        interval: None,
        method: "largest Cramér's V; its tests are in the details".to_owned(),
    });
    Ok(())
}
