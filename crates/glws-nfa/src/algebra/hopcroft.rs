//! Hopcroft's partition refinement.
//!
//! Source: J. E. Hopcroft, "An n log n algorithm for minimizing states in a finite automaton",
//! 1971; the partition's layout follows A. Valmari, "Fast brief practical DFA minimization", 2012.

/// Splits states until equivalent ones, and only they, share a block.
///
/// `table[q·k + a]` is the state that `q` goes to on symbol `a < k`; `label[q]` is what tells states
/// apart at the start, as accepting or not. Two states end in one block when every string leads
/// them to the same labels. Returns the block of every state. Time O(k·n·log n).
pub(super) fn refine(table: &[u32], num_symbols: usize, label: &[u32]) -> Vec<u32> {
    let num_states = label.len();
    let inverse = Inverse::new(table, num_symbols, num_states);
    let mut partition = Partition::new(label);
    let mut waiting: Vec<u32> = (0..partition.num_blocks() as u32).collect();
    let mut is_waiting = vec![true; partition.num_blocks()];
    let mut touched = Vec::new();
    while let Some(splitter) = waiting.pop() {
        is_waiting[splitter as usize] = false;
        // A copy, because the splitter itself may be split meanwhile.
        let members = partition.members(splitter).to_vec();
        for symbol in 0..num_symbols {
            for &state in &members {
                for &before in inverse.of(state, symbol) {
                    partition.mark(before, &mut touched);
                }
            }
            for block in touched.drain(..) {
                let Some(new) = partition.split(block) else { continue };
                is_waiting.push(false);
                // If the old block still waits, both halves must; else the smaller one suffices.
                let smaller = if is_waiting[block as usize]
                    || partition.members(new).len() <= partition.members(block).len()
                {
                    new
                } else {
                    block
                };
                is_waiting[smaller as usize] = true;
                waiting.push(smaller);
            }
        }
    }
    partition.block_of
}

/// The arcs backwards: for every state and symbol, where one comes from.
struct Inverse {
    num_symbols: usize,
    start: Vec<u32>,
    sources: Vec<u32>,
}

impl Inverse {
    fn new(table: &[u32], num_symbols: usize, num_states: usize) -> Self {
        let slot = |index: usize, to: u32| to as usize * num_symbols + index % num_symbols;
        let mut start = vec![0_u32; num_states * num_symbols + 1];
        for (index, &to) in table.iter().enumerate() {
            start[slot(index, to) + 1] += 1;
        }
        for i in 1..start.len() {
            start[i] += start[i - 1];
        }
        let mut next = start.clone();
        let mut sources = vec![0; table.len()];
        for (index, &to) in table.iter().enumerate() {
            let place = &mut next[slot(index, to)];
            sources[*place as usize] = (index / num_symbols) as u32;
            *place += 1;
        }
        Self { num_symbols, start, sources }
    }

    fn of(&self, state: u32, symbol: usize) -> &[u32] {
        let slot = state as usize * self.num_symbols + symbol;
        &self.sources[self.start[slot] as usize..self.start[slot + 1] as usize]
    }
}

/// Blocks as stretches of one array; the marked members of a block stand first in its stretch.
struct Partition {
    elements: Vec<u32>,
    place: Vec<u32>,
    block_of: Vec<u32>,
    bounds: Vec<(u32, u32)>,
    marked: Vec<u32>,
}

impl Partition {
    fn new(label: &[u32]) -> Self {
        let mut elements: Vec<u32> = (0..label.len() as u32).collect();
        elements.sort_by_key(|&state| label[state as usize]);
        let mut place = vec![0; elements.len()];
        let mut block_of = vec![0; elements.len()];
        let mut bounds: Vec<(u32, u32)> = Vec::new();
        let mut previous = None;
        for (index, &state) in elements.iter().enumerate() {
            let here = label[state as usize];
            if previous != Some(here) {
                bounds.push((index as u32, index as u32));
                previous = Some(here);
            }
            let block = bounds.len() - 1;
            bounds[block].1 += 1;
            place[state as usize] = index as u32;
            block_of[state as usize] = block as u32;
        }
        let marked = vec![0; bounds.len()];
        Self { elements, place, block_of, bounds, marked }
    }

    fn num_blocks(&self) -> usize {
        self.bounds.len()
    }

    fn members(&self, block: u32) -> &[u32] {
        let (start, end) = self.bounds[block as usize];
        &self.elements[start as usize..end as usize]
    }

    /// Marks a state; its block goes into `touched` at its first mark.
    fn mark(&mut self, state: u32, touched: &mut Vec<u32>) {
        let block = self.block_of[state as usize];
        let marked = &mut self.marked[block as usize];
        let target = self.bounds[block as usize].0 + *marked;
        let here = self.place[state as usize];
        if here < target {
            return;
        }
        if *marked == 0 {
            touched.push(block);
        }
        *marked += 1;
        let other = self.elements[target as usize];
        self.elements.swap(here as usize, target as usize);
        self.place[state as usize] = target;
        self.place[other as usize] = here;
    }

    /// Takes the marks off a block; if only a part was marked, that part becomes a new block.
    fn split(&mut self, block: u32) -> Option<u32> {
        let marked = std::mem::take(&mut self.marked[block as usize]);
        let (start, end) = self.bounds[block as usize];
        let middle = start + marked;
        if middle == end {
            return None;
        }
        let new = self.bounds.len() as u32;
        self.bounds[block as usize] = (middle, end);
        self.bounds.push((start, middle));
        self.marked.push(0);
        for index in start..middle {
            self.block_of[self.elements[index as usize] as usize] = new;
        }
        Some(new)
    }
}
