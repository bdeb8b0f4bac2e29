//! `−log Z` on a GPU: the recursions as CubeCL kernels, one source for every GPU backend.
//!
//! The logits stay where they are; of the results only `log Z` of each bag is read back. What a kernel
//! cannot do in `f32` it reports, and the host does the batch.

mod automaton;
mod closed;
mod count;
mod reduce;
mod rows;
mod scaled;
mod tables;

use assay_tensor::burn::prelude::{Device, Int, Tensor, TensorData};
use assay_tensor::burn::tensor::DType;
use assay_tensor::burn::tensor::activation::softmax;
use assay_tensor::convert::into_array;
use assay_tensor::cube::cubecl::prelude::{CubeCount, CubeDim};
use assay_tensor::cube::{CubeTensor, buffer};
use assay_tensor::graft_segments;

use super::NegLogZ;
use crate::kernel::infeasible;
use crate::{Constraint, Infeasible, Outcome, Result};
use closed::{Kind, RULED_OUT};
use reduce::MOST_UNITS;
use tables::Tables;

/// Scratch of one launch, in numbers: 128 MiB, what every GPU can bind.
const MOST_CELLS: usize = 1 << 25;
/// Cubes of one launch along an axis, which every GPU can count.
const MOST_CUBES: usize = 65_535;

/// [`neg_log_z`](super::neg_log_z) by the GPU kernels alone; `None` for a batch that is the host's, on
/// which `neg_log_z` falls back by itself.
///
/// Exact counts run on a kernel of their own; presence, absence, evidence and pairs on kernels of their closed
/// forms; every other constraint on the general one for automata. All compute in `f32`, and nothing but
/// `log Z` of each bag is read back.
///
/// The host's are: tensors of CPU backends and of other element types than `f32`, tensors of a program
/// that turns burn's kernel fusion on, a single class, calls that will be refused, logits that are not
/// finite or, within an instance, more than 2000 apart (10 000 for counts and presence), bags whose tables
/// exceed 128 MiB, and weights beyond the range of `f64`.
///
/// # Errors
/// What the device says when a kernel fails.
pub fn neg_log_z_on_gpu(
    logits: Tensor<2>,
    lengths: &[usize],
    constraints: &[Constraint],
) -> Result<Option<NegLogZ>> {
    let plain = logits.clone().without_autodiff();
    if plain.dtype() != DType::F32 {
        return Ok(None);
    }
    let Some(input) = buffer(plain.clone()) else { return Ok(None) };
    let [rows, classes] = logits.dims();
    let Some(plan) = Plan::new(rows, classes, lengths, constraints) else { return Ok(None) };
    let device = plain.device();
    let posterior = Tensor::<2>::zeros([rows, classes], (&device, DType::F32));
    let summary = Tensor::<2>::zeros([lengths.len(), 2], (&device, DType::F32));
    let launch =
        Launch { input, device: &device, classes, posterior: &posterior, summary: &summary };
    if launch.run(&plan).is_none() {
        return Ok(None);
    }

    let mut outcomes = plan.outcomes;
    let found = into_array::<f32, 2>(summary)?;
    for (bag, (outcome, found)) in outcomes.iter_mut().zip(found.rows()).enumerate() {
        if outcome.is_feasible() {
            *outcome = match found[1] {
                0.0 if found[0].is_finite() => Outcome::Feasible { log_z: found[0].into() },
                2.0 => Outcome::Infeasible(Infeasible::NoPath { length: lengths[bag] }),
                _ => return Ok(None),
            };
        }
    }
    let values = outcomes.iter().map(|outcome| -outcome.log_z() as f32).collect();
    let gradient = || softmax(plain, 1) - posterior.clone();
    let values = graft_segments(logits, lengths, values, gradient)?;
    Ok(Some(NegLogZ { values, posterior, outcomes }))
}

/// Which kernel does what.
struct Plan<'a> {
    counts: Vec<Job>,
    /// Presence, evidence and bags of which nothing is known.
    closed: Vec<Job>,
    pairs: Vec<Job>,
    /// The logarithms of all evidence, as bits.
    evidence: Vec<u32>,
    automata: Vec<Job>,
    tables: Tables<'a>,
    /// Of bags for a kernel: feasible, until it says otherwise.
    outcomes: Vec<Outcome>,
}

/// One bag for a kernel.
struct Job {
    /// Its record but for the last word, the first cell of its scratch.
    record: Vec<u32>,
    cells: usize,
    /// Numbers that can be computed side by side: states, or instances.
    states: usize,
}

impl<'a> Plan<'a> {
    /// `None` for a batch that the host must refuse or do.
    fn new(
        rows: usize,
        classes: usize,
        lengths: &[usize],
        constraints: &'a [Constraint],
    ) -> Option<Self> {
        let sum = lengths.iter().try_fold(0_usize, |sum, &length| sum.checked_add(length))?;
        let consistent = sum == rows && lengths.len() == constraints.len();
        if !consistent || rows == 0 || classes < 2 {
            return None;
        }
        i32::try_from(rows.checked_mul(classes)?).ok()?; // a shader's words have 32 bits
        let mut plan = Self {
            counts: vec![],
            closed: vec![],
            pairs: vec![],
            evidence: vec![],
            automata: vec![],
            tables: Tables::default(),
            outcomes: Vec::with_capacity(lengths.len()),
        };
        let mut first = 0;
        for (bag, (&length, constraint)) in lengths.iter().zip(constraints).enumerate() {
            constraint.check(bag, length, classes).ok()?;
            let reason = infeasible(constraint, length, classes);
            if reason.is_none() {
                plan.add([first, length, bag], constraint, classes)?;
            }
            let feasible = Outcome::Feasible { log_z: 0.0 };
            plan.outcomes.push(reason.map_or(feasible, Outcome::Infeasible));
            first += length;
        }
        Some(plan)
    }

    fn add(
        &mut self,
        [first, length, bag]: [usize; 3],
        constraint: &'a Constraint,
        classes: usize,
    ) -> Option<()> {
        let job = |words: &[usize], cells, states| Job {
            record: words.iter().map(|&word| word as u32).collect(),
            cells,
            states,
        };
        let closed = |kind, at| job(&[first, length, bag, kind as usize, at], 0, length);
        match constraint {
            Constraint::Unknown => self.closed.push(closed(Kind::Unknown, 0)),
            Constraint::Evidence(evidence) => {
                self.closed.push(closed(Kind::Evidence, self.evidence.len()));
                self.evidence.extend(evidence.iter().map(|&e| log_evidence(e).to_bits()));
                if self.evidence.len() > MOST_CELLS {
                    return None;
                }
            }
            Constraint::Absent { class } => self.closed.push(closed(Kind::Absent, *class)),
            Constraint::Present { class } => self.closed.push(closed(Kind::Present, *class)),
            Constraint::Similar => self.pairs.push(closed(Kind::Similar, 0)),
            Constraint::Dissimilar => self.pairs.push(closed(Kind::Dissimilar, 0)),
            &Constraint::Count { class, count } => {
                let states = count.min(length - count) + 1; // no underflow: the bag is feasible
                let cells = count::cells(length, count)?;
                self.counts.push(job(&[first, length, bag, class, count], cells, states));
            }
            _ => {
                let entry = self.tables.insert(constraint, classes)?;
                if !entry.holds(length) {
                    return None;
                }
                let cells = automaton::cells(length, entry.states, entry.symbols)?;
                self.automata.push(job(&[first, length, bag, entry.start], cells, entry.states));
            }
        }
        Some(())
    }
}

/// The kernels' form of an evidence of 0 or more.
fn log_evidence(evidence: f64) -> f32 {
    if evidence > 0.0 { evidence.ln() as f32 } else { RULED_OUT }
}

/// What the launches on a batch share.
struct Launch<'a> {
    input: CubeTensor,
    device: &'a Device,
    classes: usize,
    posterior: &'a Tensor<2>,
    summary: &'a Tensor<2>,
}

impl Launch<'_> {
    fn run(&self, plan: &Plan) -> Option<()> {
        for part in parts(&plan.counts)? {
            count::count_kernel::launch(
                &self.input.client,
                part.cubes(),
                part.units(),
                self.input.clone().into_buffer_arg(),
                self.words(part.records())?.into_buffer_arg(),
                self.scratch(part.cells, DType::F32)?.into_buffer_arg(),
                buffer(self.posterior.clone())?.into_buffer_arg(),
                buffer(self.summary.clone())?.into_buffer_arg(),
                self.classes,
            );
        }
        for part in parts(&plan.closed)? {
            let mut words = plan.evidence.clone();
            let records = words.len();
            words.extend(part.records());
            closed::bag_kernel::launch(
                &self.input.client,
                part.cubes(),
                part.units(),
                self.input.clone().into_buffer_arg(),
                self.words(words)?.into_buffer_arg(),
                buffer(self.posterior.clone())?.into_buffer_arg(),
                buffer(self.summary.clone())?.into_buffer_arg(),
                records,
                self.classes,
            );
        }
        for part in parts(&plan.pairs)? {
            closed::pair_kernel::launch(
                &self.input.client,
                CubeCount::new_1d(part.jobs.len().div_ceil(closed::PAIRS) as u32),
                CubeDim::new_1d(closed::PAIRS as u32),
                self.input.clone().into_buffer_arg(),
                self.words(part.records())?.into_buffer_arg(),
                buffer(self.posterior.clone())?.into_buffer_arg(),
                buffer(self.summary.clone())?.into_buffer_arg(),
                part.jobs.len(),
                self.classes,
            );
        }
        for part in parts(&plan.automata)? {
            let mut words = plan.tables.words.clone();
            let records = words.len();
            words.extend(part.records());
            automaton::automaton_kernel::launch(
                &self.input.client,
                part.cubes(),
                part.units(),
                self.input.clone().into_buffer_arg(),
                self.words(words)?.into_buffer_arg(),
                self.scratch(part.cells, DType::F32)?.into_buffer_arg(),
                self.scratch(part.cells, DType::I32)?.into_buffer_arg(),
                buffer(self.posterior.clone())?.into_buffer_arg(),
                buffer(self.summary.clone())?.into_buffer_arg(),
                records,
                self.classes,
            );
        }
        Some(())
    }

    fn words(&self, words: Vec<u32>) -> Option<CubeTensor> {
        let length = words.len();
        let words: Vec<i32> = words.into_iter().map(u32::cast_signed).collect();
        let data = TensorData::new(words, [length]);
        buffer(Tensor::<1, Int>::from_data(data, (self.device, DType::I32)))
    }

    fn scratch(&self, cells: usize, dtype: DType) -> Option<CubeTensor> {
        if dtype == DType::I32 {
            buffer(Tensor::<1, Int>::empty([cells], (self.device, dtype)))
        } else {
            buffer(Tensor::<1>::empty([cells], (self.device, dtype)))
        }
    }
}

/// The bags of one launch.
struct Part<'a> {
    jobs: &'a [Job],
    cells: usize,
}

/// Splits the bags so that the scratch of each part fits; `None` when that of one bag does not.
fn parts(jobs: &[Job]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let (mut start, mut cells) = (0, 0_usize);
    for (at, job) in jobs.iter().enumerate() {
        if job.cells > MOST_CELLS {
            return None;
        }
        if cells + job.cells > MOST_CELLS || at - start == MOST_CUBES {
            parts.push(Part { jobs: &jobs[start..at], cells });
            (start, cells) = (at, 0);
        }
        cells += job.cells;
    }
    if start < jobs.len() {
        parts.push(Part { jobs: &jobs[start..], cells });
    }
    Some(parts)
}

impl Part<'_> {
    fn records(&self) -> Vec<u32> {
        let mut cell = 0;
        let mut records = Vec::new();
        for job in self.jobs {
            records.extend(&job.record);
            records.push(cell);
            cell += job.cells as u32; // no overflow: `MOST_CELLS` in all
        }
        records
    }

    fn cubes(&self) -> CubeCount {
        CubeCount::new_1d(self.jobs.len() as u32)
    }

    /// A unit for each state, or instance, of the largest bag, within limits.
    fn units(&self) -> CubeDim {
        let states = self.jobs.iter().map(|job| job.states).max().unwrap_or(1);
        CubeDim::new_1d(states.next_power_of_two().clamp(32, MOST_UNITS) as u32)
    }
}
