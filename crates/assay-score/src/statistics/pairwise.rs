//! Ratings from pairwise judgements: Bradley-Terry and Elo.

use assay_array::random::{below, stream};
use rayon::prelude::*;

use crate::bca::quantile;
use crate::bytes::{Kind, Reader, Writer};
use crate::interval::check_level;
use crate::shares::count_on;
use crate::special::two_sided_z;
use crate::{Error, Interval, Mergeable, Result};

const KIND: Kind = *b"matches\0";
const VERSION: u16 = 1;
const OPERATION: &str = "Bradley-Terry model";
/// More players than this make the matrix of matches large (2 MB) and its inverse slow.
const MAX_PLAYERS: usize = 512;
/// Newton's method takes about ten steps; this many say that rounding keeps it from the goal.
const MAX_STEPS: usize = 200;

/// How a match ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// The first player won.
    First,
    /// The second player won.
    Second,
    /// Half a win for each.
    Tie,
}

/// Two players and how their match ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Match {
    /// The first player.
    pub first: usize,
    /// The second player.
    pub second: usize,
    /// The outcome.
    pub outcome: Outcome,
}

/// Counts wins between players; merging is exact. Reports a Bradley-Terry fit.
///
/// The model (Bradley and Terry 1952) gives each player a strength `θ` with
/// `Pr[i beats j] = 1 / (1 + exp(θ_j − θ_i))`; ties count as half a win for each. The likelihood is
/// concave, so Newton's method finds its maximum.
///
/// ```
/// use assay_score::{Mergeable, statistics::{Match, Matches, Outcome}};
/// let game = |first, second, outcome| Match { first, second, outcome };
/// let mut matches = Matches::new(2)?;
/// let three_to_one = [Outcome::First, Outcome::First, Outcome::First, Outcome::Second];
/// matches.update(&three_to_one.map(|outcome| game(0, 1, outcome)))?;
/// let report = matches.finish()?;
/// // Odds of three to one.
/// assert!((report.strengths[0].value - report.strengths[1].value - 3.0_f64.ln()).abs() < 1e-9);
/// # Ok::<(), assay_score::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    players: usize,
    /// Twice the wins of the row's player against the column's.
    halves: Vec<u64>,
}

/// A player's strength on the scale of natural log odds; all sum to zero.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Strength {
    /// The estimate `θ`.
    pub value: f64,
    /// Its standard error, from the Fisher information under the sum of zero.
    pub standard_error: f64,
    /// The normal interval at 0.95.
    pub interval: Interval,
}

/// What [`Matches`] report.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BradleyTerryReport {
    /// Each player's strength.
    pub strengths: Vec<Strength>,
    /// The number of matches.
    pub matches: u64,
    /// The log-likelihood at equal strengths and at the estimates.
    pub log_likelihood: (f64, f64),
    /// Steps of Newton's method.
    pub iterations: usize,
    /// Whether no strength moved by more than 1e-10 in the last step.
    pub converged: bool,
}

impl Matches {
    /// For players `0..players`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 2 to 512 players.
    pub fn new(players: usize) -> Result<Self> {
        if (2..=MAX_PLAYERS).contains(&players) {
            return Ok(Self { players, halves: vec![0; players * players] });
        }
        let (name, expected) = ("players", "from 2 to 512");
        Err(Error::Setting { operation: OPERATION, name, expected, got: players as f64 })
    }

    /// The wins of one player against another, ties counting half; zero for unknown players.
    pub fn wins(&self, of: usize, against: usize) -> f64 {
        let known = of < self.players && against < self.players;
        if known { self.halves[of * self.players + against] as f64 / 2.0 } else { 0.0 }
    }

    fn total(&self) -> u64 {
        self.halves.iter().sum()
    }

    /// Whether from every player one can go from loser to winner to every other: otherwise the
    /// likelihood rises for ever (Ford 1957).
    fn connected(&self) -> bool {
        let reaches_all = |edge: &dyn Fn(usize, usize) -> bool| {
            let mut seen = vec![false; self.players];
            let mut waiting = vec![0];
            seen[0] = true;
            while let Some(player) = waiting.pop() {
                for (next, seen) in seen.iter_mut().enumerate() {
                    if !*seen && edge(player, next) {
                        *seen = true;
                        waiting.push(next);
                    }
                }
            }
            seen.into_iter().all(|seen| seen)
        };
        let won = |of: usize, against: usize| self.halves[of * self.players + against] > 0;
        reaches_all(&won) && reaches_all(&|a, b| won(b, a))
    }

    fn log_likelihood(&self, theta: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.players {
            for j in 0..self.players {
                let wins = self.wins(i, j);
                if wins > 0.0 {
                    // ln of the logistic function, which does not overflow.
                    let x = theta[i] - theta[j];
                    sum += wins * (x.min(0.0) - (-x.abs()).exp().ln_1p());
                }
            }
        }
        sum
    }

    /// The gradient of the log-likelihood, and its negative second derivative plus `1/k` everywhere,
    /// which is regular where the players are connected.
    fn slope(&self, theta: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let k = self.players;
        let mut gradient = vec![0.0; k];
        let mut information = vec![1.0 / k as f64; k * k];
        for i in 0..k {
            for j in (0..k).filter(|&j| j != i) {
                let played = self.wins(i, j) + self.wins(j, i);
                if played > 0.0 {
                    let p = 1.0 / (1.0 + (theta[j] - theta[i]).exp());
                    gradient[i] += self.wins(i, j) - played * p;
                    information[i * k + i] += played * p * (1.0 - p);
                    information[i * k + j] -= played * p * (1.0 - p);
                }
            }
        }
        (gradient, information)
    }
}

impl Mergeable for Matches {
    type Batch<'a> = &'a [Match];
    type Report = BradleyTerryReport;
    type Error = Error;

    /// # Errors
    /// [`Error::Label`] for an unknown player, [`Error::Undefined`] for a match against oneself,
    /// [`Error::TooMany`] beyond `2^52` matches.
    fn update(&mut self, batch: &[Match]) -> Result<()> {
        for (index, game) in batch.iter().enumerate() {
            let label = game.first.max(game.second);
            if label >= self.players {
                return Err(Error::Label {
                    operation: OPERATION,
                    index,
                    label,
                    limit: self.players,
                });
            }
            if game.first == game.second {
                let reason = "a player cannot meet itself";
                return Err(Error::Undefined { operation: OPERATION, reason });
            }
        }
        count_on(OPERATION, "half wins", self.total(), 2 * batch.len() as u64)?;
        for &Match { first, second, outcome } in batch {
            let (to_first, to_second) = match outcome {
                Outcome::First => (2, 0),
                Outcome::Second => (0, 2),
                Outcome::Tie => (1, 1),
            };
            self.halves[first * self.players + second] += to_first;
            self.halves[second * self.players + first] += to_second;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.players != other.players {
            return Err(Error::Incompatible {
                operation: "merge of matches",
                what: "the number of players",
                left: self.players.to_string(),
                right: other.players.to_string(),
            });
        }
        count_on(OPERATION, "half wins", self.total(), other.total())?;
        for (wins, more) in self.halves.iter_mut().zip(&other.halves) {
            *wins += more;
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Empty`] for no matches, [`Error::Undefined`] where some players never beat (or never
    /// lost to) any of the others, so that no finite strengths fit.
    fn finish(&self) -> Result<BradleyTerryReport> {
        if self.total() == 0 {
            return Err(Error::Empty { operation: OPERATION, item: "match" });
        }
        if !self.connected() {
            let reason = "some players never beat or never lost to any of the others";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        let k = self.players;
        let mut theta = vec![0.0; k];
        let at_zero = self.log_likelihood(&theta);
        let (mut best, mut iterations, mut converged) = (at_zero, 0, false);
        while iterations < MAX_STEPS && !converged {
            iterations += 1;
            let (gradient, information) = self.slope(&theta);
            let covariance = inverse(information, k)?;
            let step: Vec<f64> = covariance
                .chunks(k)
                .map(|row| row.iter().zip(&gradient).map(|(c, g)| c * g).sum())
                .collect();
            // Halved until the likelihood does not fall, which a full step far from the top may do.
            let mut share = 1.0;
            loop {
                let moved: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t + share * s).collect();
                let value = self.log_likelihood(&moved);
                let largest = step.iter().fold(0.0, |a, s| f64::max(a, (share * s).abs()));
                if value >= best - 1e-12 * best.abs() || largest < 1e-10 {
                    theta = moved;
                    best = best.max(value);
                    converged = largest < 1e-10;
                    break;
                }
                share /= 2.0;
            }
        }
        let covariance = inverse(self.slope(&theta).1, k)?;
        let center = theta.iter().sum::<f64>() / k as f64;
        let z = two_sided_z(0.95);
        let strengths = theta
            .iter()
            .enumerate()
            .map(|(i, theta)| {
                let value = theta - center;
                // Without the direction in which all move alike.
                let variance = covariance[i * k + i] - 1.0 / k as f64;
                let standard_error = variance.max(0.0).sqrt();
                let half = z * standard_error;
                let interval = Interval { lower: value - half, upper: value + half, level: 0.95 };
                Strength { value, standard_error, interval }
            })
            .collect();
        let matches = self.total() / 2;
        Ok(BradleyTerryReport {
            strengths,
            matches,
            log_likelihood: (at_zero, best),
            iterations,
            converged,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        Writer::new(KIND, VERSION).u64(self.players as u64).u64s(&self.halves).finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, KIND, VERSION)?;
        let (players, halves) = (reader.u64()?, reader.u64s()?);
        let square = players.checked_mul(players);
        if square != Some(halves.len() as u64) || !(2..=MAX_PLAYERS as u64).contains(&players) {
            return Err(reader.invalid("a count for every pair of players", halves.len()));
        }
        let total = halves.iter().fold(0_u64, |sum, &n| sum.saturating_add(n));
        let players = players as usize;
        let alone = (0..players).all(|i| halves[i * (players + 1)] == 0);
        // A win is two halves and a tie one for each, so both sides of a pair are even or odd.
        let even = (0..players)
            .all(|i| (0..i).all(|j| (halves[i * players + j] + halves[j * players + i]) % 2 == 0));
        if total > crate::EXACT_COUNTS || !alone || !even {
            return Err(reader.invalid("wins that matches lead to", total));
        }
        reader.finish()?;
        Ok(Self { players, halves })
    }
}

/// The inverse of a symmetric positive definite matrix by Gauss-Jordan elimination, which needs no
/// pivots for one. The players are few: linear algebra for large matrices is in `assay-array`.
fn inverse(mut a: Vec<f64>, k: usize) -> Result<Vec<f64>> {
    let mut inverse = vec![0.0; k * k];
    for i in 0..k {
        inverse[i * k + i] = 1.0;
    }
    for i in 0..k {
        let pivot = a[i * k + i];
        if !(pivot > 0.0 && pivot.is_finite()) {
            let reason = "the strengths are too far apart for f64";
            return Err(Error::Undefined { operation: OPERATION, reason });
        }
        for matrix in [&mut a, &mut inverse] {
            for value in &mut matrix[i * k..(i + 1) * k] {
                *value /= pivot;
            }
        }
        for row in (0..k).filter(|&row| row != i) {
            let factor = a[row * k + i];
            if factor == 0.0 {
                continue;
            }
            for matrix in [&mut a, &mut inverse] {
                for column in 0..k {
                    matrix[row * k + column] -= factor * matrix[i * k + column];
                }
            }
        }
    }
    Ok(inverse)
}

/// How Elo ratings move.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EloConfig {
    /// The rating before the first match; 1000 by default.
    pub start: f64,
    /// The most that one match moves a rating, `K`; 4 by default, as arenas of language models use.
    pub step: f64,
    /// The difference of ratings at odds of ten to one; 400 by default.
    pub scale: f64,
    /// Resamples of the matches for the intervals; 1000 by default.
    pub resamples: u32,
    /// The level of the intervals; 0.95 by default.
    pub level: f64,
    /// The seed of the resamples.
    pub seed: u64,
}

impl Default for EloConfig {
    fn default() -> Self {
        Self { start: 1000.0, step: 4.0, scale: 400.0, resamples: 1000, level: 0.95, seed: 0 }
    }
}

/// What [`elo`] reports.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EloReport {
    /// The ratings after the matches in their order.
    pub ratings: Vec<f64>,
    /// The median over resampled matches in random order: does not depend on the order given.
    pub medians: Vec<f64>,
    /// The percentile interval over the same resamples.
    pub intervals: Vec<Interval>,
}

/// Elo's ratings (1978): after each match the winner takes `K (1 − E)` from the loser, with
/// `E = 1 / (1 + 10^((r_loser − r_winner)/scale))`.
///
/// Ratings depend on the order of the matches, so they do not merge. Where strengths do not change
/// over time, as for models, [`Matches`] is the better estimate; this is here because leaderboards
/// use it, with the resampled intervals they lack.
///
/// # Errors
/// [`Error::Setting`] for no players or a setting that is not positive, [`Error::Label`] for an
/// unknown player, [`Error::Empty`] for no matches, [`Error::Undefined`] for a match against oneself.
pub fn elo(matches: &[Match], players: usize, config: EloConfig) -> Result<EloReport> {
    let operation = "Elo ratings";
    check_level(operation, config.level)?;
    let positive = [
        ("players", players as f64, MAX_PLAYERS as f64, "from 1 to 512"),
        ("resamples", f64::from(config.resamples), 1e5, "from 1 to 100000"),
        ("step", config.step, 1e9, "positive and at most 1e9"),
        ("scale", config.scale, 1e9, "positive and at most 1e9"),
    ];
    for (name, got, largest, expected) in positive {
        if !(got > 0.0 && got <= largest) {
            return Err(Error::Setting { operation, name, expected, got });
        }
    }
    if config.start.is_nan() || config.start.abs() > 1e9 {
        let (name, expected, got) = ("start", "within 1e9 of zero", config.start);
        return Err(Error::Setting { operation, name, expected, got });
    }
    if matches.is_empty() {
        return Err(Error::Empty { operation, item: "match" });
    }
    for (index, game) in matches.iter().enumerate() {
        let label = game.first.max(game.second);
        if label >= players {
            return Err(Error::Label { operation, index, label, limit: players });
        }
        if game.first == game.second {
            return Err(Error::Undefined { operation, reason: "a player cannot meet itself" });
        }
    }
    let ratings = play(matches.iter(), players, config);
    let resamples: Vec<Vec<f64>> = (0..u64::from(config.resamples))
        .into_par_iter()
        .map(|index| {
            let mut rng = stream(config.seed, "elo", index);
            let drawn = (0..matches.len()).map(|_| &matches[below(&mut rng, matches.len())]);
            play(drawn, players, config)
        })
        .collect();
    let tail = (1.0 - config.level) / 2.0;
    let (mut medians, mut intervals) = (Vec::new(), Vec::new());
    for player in 0..players {
        let mut values: Vec<f64> = resamples.iter().map(|ratings| ratings[player]).collect();
        values.sort_unstable_by(f64::total_cmp);
        medians.push(quantile(&values, 0.5));
        let (lower, upper) = (quantile(&values, tail), quantile(&values, 1.0 - tail));
        intervals.push(Interval { lower, upper, level: config.level });
    }
    Ok(EloReport { ratings, medians, intervals })
}

fn play<'a>(
    matches: impl Iterator<Item = &'a Match>,
    players: usize,
    config: EloConfig,
) -> Vec<f64> {
    let mut ratings = vec![config.start; players];
    for game in matches {
        let away = (ratings[game.second] - ratings[game.first]) / config.scale;
        let expected = 1.0 / (1.0 + 10.0_f64.powf(away));
        let got = match game.outcome {
            Outcome::First => 1.0,
            Outcome::Second => 0.0,
            Outcome::Tie => 0.5,
        };
        let change = config.step * (got - expected);
        ratings[game.first] += change;
        ratings[game.second] -= change;
    }
    ratings
}
