//! Classes that an automaton cannot tell apart, taken together as one symbol.

use std::collections::HashMap;

use crate::error::Result;

/// A partition of the classes into blocks, which deterministic automata read as symbols: an
/// alphabet of a thousand classes of which a constraint names two has three symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbols {
    block_of: Vec<u32>,
    members: Vec<Vec<usize>>,
}

impl Symbols {
    /// The coarsest partition in which every set is a union of blocks. Members beyond
    /// `num_classes` are ignored.
    pub(crate) fn separating(
        num_classes: usize,
        sets: impl IntoIterator<Item = Result<Vec<usize>>>,
    ) -> Result<Self> {
        let mut block_of = vec![0_u32; num_classes];
        let mut sizes = vec![num_classes];
        for set in sets {
            let mut inside: HashMap<u32, Vec<usize>> = HashMap::new();
            for class in set? {
                if let Some(&block) = block_of.get(class) {
                    inside.entry(block).or_default().push(class);
                }
            }
            for (block, mut classes) in inside {
                classes.sort_unstable();
                classes.dedup();
                if classes.len() < sizes[block as usize] {
                    sizes[block as usize] -= classes.len();
                    let fresh = sizes.len() as u32;
                    sizes.push(classes.len());
                    for class in classes {
                        block_of[class] = fresh;
                    }
                }
            }
        }
        Ok(Self::numbered(block_of))
    }

    /// The classes with equal `signature` in one block.
    pub(crate) fn by_signature<S: std::hash::Hash + Eq>(signature: Vec<S>) -> Self {
        let mut number = HashMap::new();
        let block_of = signature
            .into_iter()
            .map(|signature| {
                let fresh = number.len() as u32;
                *number.entry(signature).or_insert(fresh)
            })
            .collect();
        Self::numbered(block_of)
    }

    /// Renumbers blocks by their first classes, so that results do not depend on hashing.
    fn numbered(mut block_of: Vec<u32>) -> Self {
        let mut number = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (class, block) in block_of.iter_mut().enumerate() {
            let fresh = members.len() as u32;
            *block = *number.entry(*block).or_insert(fresh);
            if *block == fresh {
                members.push(Vec::new());
            }
            members[*block as usize].push(class);
        }
        Self { block_of, members }
    }

    /// The number of blocks.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The number of classes.
    pub(crate) fn num_classes(&self) -> usize {
        self.block_of.len()
    }

    /// The block of a class of the alphabet.
    pub(crate) fn block(&self, class: usize) -> u32 {
        self.block_of[class]
    }

    /// The classes of a block, sorted.
    pub(crate) fn classes(&self, block: u32) -> &[usize] {
        &self.members[block as usize]
    }

    /// The blocks that a set is made of, sorted. The set must be a union of blocks.
    pub(crate) fn blocks(&self, set: &[usize]) -> Vec<u32> {
        let mut blocks: Vec<u32> =
            set.iter().filter_map(|&class| self.block_of.get(class).copied()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }
}
