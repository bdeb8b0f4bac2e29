//! Filling templates.

use assay_array::random::{Stream, below};
use rustc_hash::FxHashSet;

use super::template::{Fill, Template};
use crate::words::Thesaurus;
use crate::{Error, Result};

/// Spaces up to this size are listed in full when samples are drawn from them.
const LISTED: u128 = 1 << 16;
/// So many draws a wanted sample before giving up on new ones.
const DRAWS: usize = 30;

impl Template {
    /// All ways to fill the template, the last slot varying fastest; the first is the sentence as it
    /// stands.
    ///
    /// # Errors
    /// [`Error::Setting`] when there are more than `limit`.
    pub fn expand(&self, limit: usize) -> Result<Vec<Fill>> {
        let ways = self.ways();
        if ways > limit as u128 {
            return Err(Error::Setting {
                operation: "expand template",
                name: "limit",
                expected: "at least the number of ways",
                got: format!("{limit} for {ways} ways"),
            });
        }
        let mut all = Vec::with_capacity(ways as usize);
        let mut choice = vec![0; self.slots().len()];
        loop {
            all.push(Fill { text: self.fill(&choice), choice: choice.clone() });
            // Count on: the last slot first.
            let mut at = choice.len();
            loop {
                let Some(before) = at.checked_sub(1) else { return Ok(all) };
                at = before;
                let options = self.slots().get(at).map_or(1, |slot| slot.options.len());
                if let Some(option) = choice.get_mut(at) {
                    *option += 1;
                    if *option < options {
                        break;
                    }
                    *option = 0;
                }
            }
        }
    }

    /// Up to `count` different ways with between 1 and `changes` words replaced, drawn without
    /// replacement.
    ///
    /// A small space is listed and drawn from uniformly; from a large one the number of changes, the
    /// slots and the options are drawn in turn, each uniformly, and repeats are drawn again a bounded
    /// number of times. Fewer than `count` come back when there are no more.
    pub fn sample(&self, count: usize, changes: usize, stream: &mut Stream) -> Vec<Fill> {
        let open: Vec<usize> = (0..self.slots().len())
            .filter(|&at| self.slots().get(at).is_some_and(|slot| slot.options.len() > 1))
            .collect();
        let changes = changes.min(open.len());
        if changes == 0 || count == 0 {
            return Vec::new();
        }
        if self.ways() <= LISTED
            && let Ok(mut all) = self.expand(LISTED as usize)
        {
            all.retain(|fill| (1..=changes).contains(&fill.changes()));
            // The beginning of a shuffle is a uniform draw without replacement.
            for i in 0..count.min(all.len()) {
                let other = i + below(stream, all.len() - i);
                all.swap(i, other);
            }
            all.truncate(count);
            return all;
        }
        let mut seen = FxHashSet::default();
        let mut drawn = Vec::new();
        for _ in 0..count.saturating_mul(DRAWS) {
            if drawn.len() == count {
                break;
            }
            let choice = self.draw(&open, 1 + below(stream, changes), stream);
            if seen.insert(choice.clone()) {
                drawn.push(Fill { text: self.fill(&choice), choice });
            }
        }
        drawn
    }

    /// The sentence with a share of its slots replaced, at least one, as far as they have synonyms: a
    /// single augmentation. Slots are drawn uniformly, and of a slot's synonyms one is: only that one is
    /// looked at, brought into the word's form and added to the slot's options, which makes it fast.
    pub fn replace_share(
        &mut self,
        share: f64,
        thesaurus: &dyn Thesaurus,
        stream: &mut Stream,
    ) -> Fill {
        let count = self.slots().len();
        let wanted = (share.clamp(0.0, 1.0) * count as f64).ceil() as usize;
        let mut order: Vec<usize> = (0..count).collect();
        let mut choice = vec![0; count];
        let mut changed = 0;
        for i in 0..count {
            if changed == wanted {
                break;
            }
            let other = i + below(stream, count - i);
            order.swap(i, other);
            let at = order.get(i).copied().unwrap_or(0);
            if let Some(slot) = self.slot_mut(at)
                && let Some(drawn) = slot.draw_synonym(thesaurus, stream)
                && let Some(option) = choice.get_mut(at)
            {
                *option = drawn;
                changed += 1;
            }
        }
        Fill { text: self.fill(&choice), choice }
    }

    /// Replaces `changes` of the open slots.
    fn draw(&self, open: &[usize], changes: usize, stream: &mut Stream) -> Vec<usize> {
        let mut open = open.to_vec();
        let mut choice = vec![0; self.slots().len()];
        for i in 0..changes.min(open.len()) {
            let other = i + below(stream, open.len() - i);
            open.swap(i, other);
            if let Some(&at) = open.get(i)
                && let Some(slot) = self.slots().get(at)
                && let Some(option) = choice.get_mut(at)
            {
                *option = 1 + below(stream, slot.options.len() - 1);
            }
        }
        choice
    }
}
