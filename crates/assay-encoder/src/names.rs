//! The names of published checkpoints, and this crate's.

use crate::Family;

/// Published pieces of names and ours.
const PIECES: &[(&str, &str)] = &[
    ("embeddings.word_embeddings.", "words."),
    ("embeddings.position_embeddings.", "positions."),
    ("embeddings.token_type_embeddings.", "types."),
    ("embeddings.LayerNorm.", "norm."),
    ("encoder.layer.", "layers."),
    (".attention.self.query_global.", ".global.query."),
    (".attention.self.key_global.", ".global.key."),
    (".attention.self.value_global.", ".global.value."),
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
/// heads of pre-training and of classifiers, what a Longformer's first token sees by, and the list of
/// positions that older files keep.
pub(crate) fn of_encoder(name: &str) -> Option<String> {
    let name = stripped(name);
    if is_body(name) {
        return body(name).filter(|name| !name.contains(".global."));
    }
    // What is none of the known heads is left to be reported as unexpected.
    let head = ["pooler.", "cls.", "classifier.", "qa_outputs.", "lm_head."];
    let known = head.iter().any(|head| name.starts_with(head));
    (!known).then(|| name.to_owned())
}

/// The name here of a tensor of a classifier's checkpoint; `None` for one that it does not need.
pub(crate) fn of_classifier(name: &str, family: Family) -> Option<String> {
    let name = stripped(name);
    if is_body(name) {
        return body(name).map(|name| format!("body.{name}"));
    }
    let pieces: &[(&str, &str)] = match family {
        Family::Bert => &[("pooler.dense.", "head.dense."), ("classifier.", "head.out.")],
        Family::Roberta | Family::Longformer => {
            &[("classifier.dense.", "head.dense."), ("classifier.out_proj.", "head.out.")]
        }
    };
    for (theirs, ours) in pieces {
        if let Some(rest) = name.strip_prefix(theirs) {
            return Some(format!("{ours}{rest}"));
        }
    }
    let unused = ["pooler.", "cls.", "lm_head."].iter().any(|head| name.starts_with(head));
    (!unused).then(|| name.to_owned())
}

fn stripped(name: &str) -> &str {
    let families = ["bert.", "roberta.", "longformer."];
    families.iter().find_map(|family| name.strip_prefix(family)).unwrap_or(name)
}

fn is_body(name: &str) -> bool {
    name.starts_with("embeddings.") || name.starts_with("encoder.")
}

fn body(name: &str) -> Option<String> {
    if name.ends_with(".position_ids") || name.ends_with(".token_type_ids") {
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
    use super::{of_classifier, of_encoder};
    use crate::Family;

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
            assert_eq!(of_encoder(theirs).as_deref(), wanted, "{theirs}");
        }
    }
    #[test]
    fn heads_of_classifiers_become_ours() {
        for (family, theirs, wanted) in [
            (Family::Bert, "bert.pooler.dense.bias", Some("head.dense.bias")),
            (Family::Bert, "classifier.weight", Some("head.out.weight")),
            (Family::Roberta, "classifier.dense.weight", Some("head.dense.weight")),
            (Family::Longformer, "classifier.out_proj.bias", Some("head.out.bias")),
            (Family::Roberta, "roberta.pooler.dense.weight", None),
            (Family::Roberta, "lm_head.bias", None),
            (
                Family::Longformer,
                "longformer.encoder.layer.3.attention.self.key_global.bias",
                Some("body.layers.3.global.key.bias"),
            ),
            (Family::Bert, "bert.embeddings.LayerNorm.gamma", Some("body.norm.weight")),
            (Family::Bert, "something.else", Some("something.else")),
        ] {
            assert_eq!(of_classifier(theirs, family).as_deref(), wanted, "{theirs}");
        }
        let global = "longformer.encoder.layer.0.attention.self.query_global.weight";
        assert_eq!(of_encoder(global), None);
    }
}
