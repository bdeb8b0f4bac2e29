//! Automata in OpenFST's text format, which rustfst and the `fst*` programs read and write.

use std::collections::HashMap;
use std::fmt::{self, Write};

use crate::algebra::{Budget, EpsilonNfa};
use crate::error::Result;
use crate::nfa::Nfa;
use crate::regex::Alphabet;

/// Most states of a file; their numbers may be any.
const MAX_STATES: usize = 1 << 20;

/// A line of OpenFST text that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("openfst text, line {line}: {kind}")]
pub struct OpenFstError {
    line: usize,
    kind: OpenFstErrorKind,
}

impl OpenFstError {
    /// Where: the number of the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong.
    pub fn kind(&self) -> &OpenFstErrorKind {
        &self.kind
    }
}

/// The kinds of fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFstErrorKind {
    /// A line with too few or too many fields.
    #[error("expected `source target class [weight]` or `state [weight]`, got {fields} fields")]
    Fields {
        /// How many there are.
        fields: usize,
    },
    /// A state that is not a number.
    #[error("expected a state number below 2^64, got {found:?}")]
    State {
        /// What stands there.
        found: String,
    },
    /// A class that is no number and no name of the alphabet, or beyond it.
    #[error("expected a class below {num_classes} or its name, got {found:?}")]
    Class {
        /// What stands there.
        found: String,
        /// The size of the alphabet.
        num_classes: usize,
    },
    /// A weight that is not a number, is NaN or −∞.
    #[error("expected a weight (a negated log weight) above -infinity, got {found:?}")]
    Weight {
        /// What stands there.
        found: String,
    },
    /// A state with two final weights.
    #[error("state {state} is final on an earlier line too")]
    FinalTwice {
        /// The state.
        state: u64,
    },
}

impl Nfa {
    /// Reads an acceptor in the text format of OpenFST (AT&T's format).
    ///
    /// A line is an arc, `source target class [weight]`, or a final state, `state [weight]`. Fields
    /// are separated by blanks; the state of the first line is the start. Weights are negated
    /// natural log weights, as in OpenFST's log and tropical semirings; one that is left out is 0
    /// and `Infinity` means that the arc is not there. Classes are numbers, or names where `names`
    /// has them. State numbers may be any; they are numbered anew in ascending order.
    ///
    /// A number is a class as it stands. OpenFST reserves the label 0 for ε, which automata here do
    /// not have: remove it with `fstrmepsilon` first, and give `label_offset` 1 when your class c
    /// has the label c + 1.
    ///
    /// ```
    /// # use glws_nfa::Nfa;
    /// let text = "0 0 0\n0 1 1 0.693147\n1 1 0\n1\n";
    /// let nfa = Nfa::from_openfst(text, 2, None, 0)?;
    /// assert_eq!(nfa.num_states(), 2);
    /// assert!((nfa.log_weight(&[0, 1])? + 0.693147).abs() < 1e-12);
    /// # Ok::<(), glws_nfa::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OpenFst`](crate::Error::OpenFst), which names the line, and
    /// [`Error::TooManyStates`](crate::Error::TooManyStates) above 2^20 states.
    pub fn from_openfst(
        text: &str,
        num_classes: usize,
        names: Option<&Alphabet>,
        label_offset: usize,
    ) -> Result<Self> {
        let mut reader = Reader {
            symbols: Symbols { num_classes, names, label_offset },
            numbers: HashMap::new(),
            budget: Budget::new("openfst text", MAX_STATES),
            nfa: EpsilonNfa::default(),
            final_line: HashMap::new(),
        };
        for (index, line) in text.lines().enumerate() {
            reader.line(line, index + 1)?;
        }
        reader.finish()
    }

    /// Writes the acceptor in the text format of OpenFST, which [`from_openfst`](Self::from_openfst)
    /// reads back.
    ///
    /// The format has one start: an automaton with another number of starts, or whose start has a
    /// weight, gets a new state for it, which the arcs and final weights of its starts are copied
    /// to. Weights that are 0 are left out; the others are written such that they are read back
    /// without loss.
    pub fn to_openfst(&self, names: Option<&Alphabet>, label_offset: usize) -> String {
        let nfa = EpsilonNfa::from_nfa(self).with_one_start();
        let symbols = Symbols { num_classes: self.num_classes(), names, label_offset };
        let mut text = String::new();
        let Some(&(start, _)) = nfa.initial.first() else { return text };
        let mut write = |parts: fmt::Arguments<'_>, log_weight: f64| {
            // cannot fail: writing to a string
            let _ = text.write_fmt(parts);
            if log_weight == 0.0 {
                text.push('\n');
            } else {
                // cannot fail: writing to a string
                let _ = writeln!(text, "\t{:e}", -log_weight);
            }
        };
        let mut arcs: Vec<_> = nfa.arcs.iter().collect();
        // The first line names the start.
        arcs.sort_by_key(|arc| (arc.from != start, arc.from, arc.symbol, arc.to));
        let starts_with_arc = arcs.first().is_some_and(|arc| arc.from == start);
        let mut finals: Vec<_> = nfa.finals.iter().collect();
        finals.sort_by_key(|&&(state, _)| (state != start, state));
        if !starts_with_arc {
            // A final start is its own first line; one that is not accepts nothing at all.
            match finals.first() {
                Some(&&(state, weight)) if state == start => {
                    write(format_args!("{start}"), weight);
                    finals.remove(0);
                }
                _ => return String::new(),
            }
        }
        for arc in arcs {
            let class = symbols.write(arc.symbol.unwrap_or_default() as usize);
            write(format_args!("{}\t{}\t{class}", arc.from, arc.to), arc.log_weight);
        }
        for &(state, weight) in finals {
            write(format_args!("{state}"), weight);
        }
        text
    }
}

/// The symbol table of an alphabet in OpenFST's format: a name and its label on every line, with
/// the label 0 as `<eps>` when `label_offset` leaves it free. Blanks in names become `_`, because
/// fields end there.
pub fn symbol_table(alphabet: &Alphabet, label_offset: usize) -> String {
    let symbols =
        Symbols { num_classes: alphabet.num_classes(), names: Some(alphabet), label_offset };
    let mut text = String::new();
    if label_offset > 0 {
        text.push_str("<eps>\t0\n");
    }
    for class in 0..alphabet.num_classes() {
        // cannot fail: writing to a string
        let _ = writeln!(text, "{}\t{}", symbols.write(class), class.saturating_add(label_offset));
    }
    text
}

/// How classes are written.
struct Symbols<'a> {
    num_classes: usize,
    names: Option<&'a Alphabet>,
    label_offset: usize,
}

impl Symbols<'_> {
    fn write(&self, class: usize) -> String {
        match self.names.and_then(|names| names.class_name(class)) {
            Some(name) => name.replace(char::is_whitespace, "_"),
            None => class.saturating_add(self.label_offset).to_string(),
        }
    }

    fn read(&self, field: &str) -> Option<usize> {
        let class = if let Ok(label) = field.parse::<usize>() {
            label.checked_sub(self.label_offset)?
        } else {
            let names = self.names?;
            let written_so = |&class: &usize| {
                let name = names.class_name(class);
                name.is_some_and(|name| name.replace(char::is_whitespace, "_") == field)
            };
            match names.classes(field) {
                Some(&[class]) => class,
                _ => (0..names.num_classes()).find(written_so)?,
            }
        };
        (class < self.num_classes).then_some(class)
    }
}

struct Reader<'a> {
    symbols: Symbols<'a>,
    numbers: HashMap<u64, u32>,
    budget: Budget,
    nfa: EpsilonNfa,
    final_line: HashMap<u32, usize>,
}

impl Reader<'_> {
    fn line(&mut self, text: &str, line: usize) -> Result<()> {
        let wrong = |kind| OpenFstError { line, kind };
        let fields: Vec<&str> = text.split_whitespace().take(6).collect();
        self.budget.spend(1)?;
        match *fields.as_slice() {
            [] => {}
            [state] | [state, _] => {
                let number = self.state(state, line)?;
                let weight = weight(fields.get(1).copied(), line)?;
                if self.final_line.insert(number, line).is_some() {
                    let state = state.parse().unwrap_or_default();
                    return Err(wrong(OpenFstErrorKind::FinalTwice { state }).into());
                }
                if weight > f64::NEG_INFINITY {
                    self.nfa.finals.push((number, weight));
                }
            }
            [source, target, class] | [source, target, class, _] => {
                let from = self.state(source, line)?;
                let to = self.state(target, line)?;
                let Some(symbol) = self.symbols.read(class) else {
                    let num_classes = self.symbols.num_classes;
                    let found = shortened(class);
                    return Err(wrong(OpenFstErrorKind::Class { found, num_classes }).into());
                };
                let weight = weight(fields.get(3).copied(), line)?;
                if weight > f64::NEG_INFINITY {
                    self.nfa.arc(from, Some(symbol as u32), weight, to);
                }
            }
            _ => {
                let fields = fields.len();
                return Err(wrong(OpenFstErrorKind::Fields { fields }).into());
            }
        }
        Ok(())
    }

    fn state(&mut self, field: &str, line: usize) -> Result<u32> {
        let Ok(state) = field.parse::<u64>() else {
            let kind = OpenFstErrorKind::State { found: shortened(field) };
            return Err(OpenFstError { line, kind }.into());
        };
        let fresh = self.numbers.len() as u32;
        let number = *self.numbers.entry(state).or_insert(fresh);
        if number == fresh {
            self.nfa.state(&self.budget)?;
        }
        Ok(number)
    }

    /// Numbers the states as they are ordered in the file.
    fn finish(mut self) -> Result<Nfa> {
        let mut order: Vec<(u64, u32)> = self.numbers.into_iter().collect();
        order.sort_unstable();
        let mut number = vec![0; order.len()];
        for (new, &(_, old)) in order.iter().enumerate() {
            number[old as usize] = new as u32;
        }
        let nfa = &mut self.nfa;
        for arc in &mut nfa.arcs {
            arc.from = number[arc.from as usize];
            arc.to = number[arc.to as usize];
        }
        for (state, _) in &mut nfa.finals {
            *state = number[*state as usize];
        }
        if let Some(&start) = number.first() {
            nfa.initial.push((start, 0.0));
        }
        nfa.to_nfa(self.symbols.num_classes)
    }
}

/// The log weight of a field that may be left out.
fn weight(field: Option<&str>, line: usize) -> Result<f64> {
    let Some(field) = field else { return Ok(0.0) };
    match field.parse::<f64>() {
        // 0 − w rather than −w, so that 0 is not turned into −0.
        Ok(weight) if weight > f64::NEG_INFINITY => Ok(0.0 - weight),
        _ => {
            let kind = OpenFstErrorKind::Weight { found: shortened(field) };
            Err(OpenFstError { line, kind }.into())
        }
    }
}

/// A field of a hostile file may be as long as the file.
fn shortened(field: &str) -> String {
    const MAX: usize = 40;
    let mut text: String = field.chars().take(MAX).collect();
    if field.chars().count() > MAX {
        text.push('…');
    }
    text
}

impl EpsilonNfa {
    /// An equivalent automaton with one start of log weight 0.
    fn with_one_start(mut self) -> Self {
        if matches!(self.initial.as_slice(), [] | [(_, 0.0)]) {
            return self;
        }
        let start = self.num_states as u32;
        self.num_states += 1;
        let starts = std::mem::replace(&mut self.initial, vec![(start, 0.0)]);
        let weight_of: HashMap<u32, f64> = starts.into_iter().collect();
        let arcs: Vec<_> =
            self.arcs.iter().filter_map(|arc| Some((*arc, *weight_of.get(&arc.from)?))).collect();
        for (arc, weight) in arcs {
            self.arc(start, arc.symbol, weight + arc.log_weight, arc.to);
        }
        let ends = self.finals.iter().filter_map(|(state, end)| Some(weight_of.get(state)? + end));
        let end = ends.fold(f64::NEG_INFINITY, crate::algebra::log_add);
        if end > f64::NEG_INFINITY {
            self.finals.push((start, end));
        }
        self
    }
}
