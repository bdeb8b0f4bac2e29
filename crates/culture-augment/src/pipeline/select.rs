use assay_array::ndarray::ArrayView2;

/// Which of the candidates are taken. All are greedy and deterministic; equal scores go to the
/// earlier candidate.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Select {
    /// The most similar to the seed, the same number of each rewrite as far as they reach: as
    /// published, but without losing the remainder. It is the least diverse choice.
    MostSimilar,
    /// Maximal marginal relevance (Carbonell and Goldstein 1998): the largest
    /// `λ cos(x, seed) − (1 − λ) max cos(x, taken)`.
    Mmr {
        /// Weight of the similarity to the seed, in `[0, 1]`.
        lambda: f64,
    },
    /// The most similar first, then always the one farthest from all taken (Gonzalez 1985).
    FarthestPoint,
}

impl Select {
    /// The places of `m` candidates, or of all if there are fewer.
    ///
    /// `rows` holds the embeddings of the candidates, of length one; `to_seed` their cosines to the
    /// seed; `groups` the rewrite that each came from.
    pub(super) fn pick(
        self,
        m: usize,
        rows: ArrayView2<'_, f32>,
        to_seed: &[f64],
        groups: &[usize],
    ) -> Vec<usize> {
        match self {
            Select::MostSimilar => by_group(m, to_seed, groups),
            Select::Mmr { lambda } => {
                greedy(m, rows, to_seed, |seed, taken| lambda * seed - (1.0 - lambda) * taken)
            }
            Select::FarthestPoint => greedy(m, rows, to_seed, |_, taken| -taken),
        }
    }
}

/// Takes the most similar of each group in turn.
fn by_group(m: usize, to_seed: &[f64], groups: &[usize]) -> Vec<usize> {
    let count = groups.iter().max().map_or(0, |&most| most + 1);
    let mut queues: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut order: Vec<usize> = (0..to_seed.len()).collect();
    order.sort_by(|&a, &b| to_seed[a].total_cmp(&to_seed[b]).then(b.cmp(&a)));
    // The most similar of each group lie at the ends of the queues.
    for index in order {
        if let Some(queue) = groups.get(index).and_then(|&g| queues.get_mut(g)) {
            queue.push(index);
        }
    }
    let mut taken = Vec::new();
    while taken.len() < m && queues.iter().any(|queue| !queue.is_empty()) {
        for queue in &mut queues {
            if taken.len() < m
                && let Some(index) = queue.pop()
            {
                taken.push(index);
            }
        }
    }
    taken
}

/// Takes the candidate with the largest `score(cosine to the seed, largest cosine to one taken)`.
fn greedy(
    m: usize,
    rows: ArrayView2<'_, f32>,
    to_seed: &[f64],
    score: impl Fn(f64, f64) -> f64,
) -> Vec<usize> {
    let mut nearest = vec![f64::NEG_INFINITY; to_seed.len()];
    let mut open = vec![true; to_seed.len()];
    let mut taken = Vec::new();
    while taken.len() < m.min(to_seed.len()) {
        let value = |index: usize| {
            // Nothing is taken yet: only the seed counts.
            if taken.is_empty() { to_seed[index] } else { score(to_seed[index], nearest[index]) }
        };
        let candidates = (0..to_seed.len()).filter(|&index| open[index]);
        let best = candidates
            .map(|index| (value(index), index))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, best)) = best else { break };
        open[best] = false;
        taken.push(best);
        for index in (0..to_seed.len()).filter(|&index| open[index]) {
            let cosine: f64 = rows
                .row(index)
                .iter()
                .zip(rows.row(best))
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum();
            nearest[index] = nearest[index].max(cosine);
        }
    }
    taken
}
