use assay_language::Embedder;
use assay_language::cosine;

use crate::Result;

/// The cosine of every text with the anchor, and whether it is above the threshold (strictly).
///
/// # Errors
/// What the embedder refuses.
pub fn similar_to<S: AsRef<str>>(
    anchor: &str,
    texts: &[S],
    embedder: &dyn Embedder,
    threshold: f64,
) -> Result<Vec<(f64, bool)>> {
    let mut all = vec![anchor];
    all.extend(texts.iter().map(AsRef::as_ref));
    let rows = embedder.embed(&all)?;
    let first = rows.row(0).to_vec();
    (1..all.len())
        .map(|i| {
            let cosine = cosine(&first, &rows.row(i).to_vec())?;
            Ok((cosine, cosine > threshold))
        })
        .collect()
}
