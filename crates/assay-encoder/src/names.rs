//! The names of BERT's published checkpoints, and this crate's.

/// Published pieces of names and ours.
const PIECES: &[(&str, &str)] = &[
    ("embeddings.word_embeddings.", "words."),
    ("embeddings.position_embeddings.", "positions."),
    ("embeddings.token_type_embeddings.", "types."),
    ("embeddings.LayerNorm.", "norm."),
    ("encoder.layer.", "layers."),
    (".attention.self.query.", ".query."),
    (".attention.self.key.", ".key."),
    (".attention.self.value.", ".value."),
    (".attention.output.dense.", ".attended."),
    (".attention.output.LayerNorm.", ".attended_norm."),
    (".intermediate.dense.", ".inner."),
    (".output.dense.", ".outer."),
    (".output.LayerNorm.", ".norm."),
];

/// The name here of a checkpoint's tensor; `None` for one that embeddings do not need: the pooler, the
/// heads of pre-training, and the list of positions that older files keep.
pub(crate) fn ours(name: &str) -> Option<String> {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    if !name.starts_with("embeddings.") && !name.starts_with("encoder.") {
        // What is none of the known heads is left to be reported as unexpected.
        let head = ["pooler.", "cls.", "classifier.", "qa_outputs."];
        let known = head.iter().any(|head| name.starts_with(head));
        return (!known).then(|| name.to_owned());
    }
    if name.ends_with(".position_ids") {
        return None;
    }
    let mut name = name.to_owned();
    for (theirs, ours) in PIECES {
        name = name.replace(theirs, ours);
    }
    // Checkpoints converted from TensorFlow have its names of layer normalisation.
    for (theirs, ours) in [("norm.gamma", "norm.weight"), ("norm.beta", "norm.bias")] {
        name = name.replace(theirs, ours);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn published_names_become_ours() {
        for (theirs, wanted) in [
            ("embeddings.word_embeddings.weight", Some("words.weight")),
            ("bert.embeddings.LayerNorm.gamma", Some("norm.weight")),
            ("encoder.layer.11.attention.self.key.bias", Some("layers.11.key.bias")),
            ("encoder.layer.0.attention.output.dense.weight", Some("layers.0.attended.weight")),
            (
                "encoder.layer.0.attention.output.LayerNorm.beta",
                Some("layers.0.attended_norm.bias"),
            ),
            ("encoder.layer.0.output.LayerNorm.weight", Some("layers.0.norm.weight")),
            ("encoder.layer.0.output.dense.weight", Some("layers.0.outer.weight")),
            ("embeddings.position_ids", None),
            ("bert.pooler.dense.weight", None),
            ("cls.predictions.bias", None),
            ("something.else", Some("something.else")),
        ] {
            assert_eq!(ours(theirs).as_deref(), wanted, "{theirs}");
        }
    }
}
