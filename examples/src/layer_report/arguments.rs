use std::path::Path;

/// What `--untrained PATH=SEED` names: where an untrained model is, and the seed of its weights.
///
/// # Errors
/// What is wrong with the text, for the user to read.
pub fn untrained(text: &str) -> Result<(&Path, u64), String> {
    let (path, seed) =
        text.rsplit_once('=').ok_or_else(|| format!("expected PATH=SEED, got {text}"))?;
    let seed = seed.parse().map_err(|_| format!("the seed in {text} is no number"))?;
    Ok((Path::new(path), seed))
}
