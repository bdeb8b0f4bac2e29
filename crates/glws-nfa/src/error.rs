//! What can be wrong with a call.
//!
//! Supervision that the bag cannot meet is no error: it is [`Outcome::Infeasible`](crate::Outcome),
//! one bag at a time. An [`Error`] means that the call itself makes no sense.

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An arc, an initial or a final weight names a state that the automaton does not have.
    #[error("{operation}: state {state} does not exist, the automaton has {num_states} states")]
    StateOutOfRange {
        /// What was asked for.
        operation: &'static str,
        /// The state named.
        state: usize,
        /// How many states there are.
        num_states: usize,
    },
    /// A class that the logits or the automaton's alphabet do not have.
    #[error("{operation}: class {class} does not exist, there are {num_classes} classes")]
    ClassOutOfRange {
        /// What was asked for.
        operation: &'static str,
        /// The class named.
        class: usize,
        /// How many classes there are.
        num_classes: usize,
    },
    /// Zero classes leave nothing to tell apart.
    #[error("{operation}: expected at least one class, got none")]
    NoClasses {
        /// What was asked for.
        operation: &'static str,
    },
    /// A log weight that is NaN or `+∞`. `−∞`, the weight of nothing, is legal.
    #[error("{operation}: expected a log weight below infinity, got {log_weight}")]
    LogWeight {
        /// Which weight it was.
        operation: &'static str,
        /// Its value.
        log_weight: f64,
    },
    /// A weight that is negative, infinite or NaN.
    #[error("{operation}: expected finite weights of 0 or more, got {weight}")]
    Weight {
        /// Whose weight it is.
        operation: &'static str,
        /// Its value.
        weight: f64,
    },
    /// An automaton that accepts a sequence along two paths, where a sum over paths would count the
    /// sequence twice.
    #[error(
        "{operation}: the automaton accepts {sequence:?} along two paths, and a sum over paths counts \
         that sequence twice; make it unambiguous with `nfa.determinise(max_states)`, or state \
         `Constraint::Paths` if a sum over paths is what you mean"
    )]
    Ambiguous {
        /// What was asked for.
        operation: &'static str,
        /// A shortest such sequence, as classes.
        sequence: Vec<usize>,
    },
    /// An automaton or a lattice that would not fit in memory.
    #[error("{operation}: {num_states} states needed, at most {limit} allowed")]
    TooManyStates {
        /// What was asked for.
        operation: &'static str,
        /// How many it would take; `usize::MAX` when that overflows.
        num_states: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// An operation on automata that would take too long or too much memory.
    #[error("{operation}: more than {limit} elementary steps needed")]
    TooManySteps {
        /// What was asked for.
        operation: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Two automata over different classes.
    #[error("{operation}: the left automaton is over {left} classes, the right one over {right}")]
    AlphabetMismatch {
        /// What was asked for.
        operation: &'static str,
        /// Classes of the left automaton.
        left: usize,
        /// Classes of the right one.
        right: usize,
    },
    /// An operation on sets of sequences on an automaton that gives them weights.
    #[error("{operation}: expected an automaton whose log weights are all 0")]
    Weighted {
        /// What was asked for.
        operation: &'static str,
    },
    /// A sum over infinitely many paths that has no finite value.
    #[error(
        "repeat: the empty string, repeated, has an infinite weight (log weight {log_weight} of one round)"
    )]
    Divergent {
        /// The log weight of going round once, 0 or more.
        log_weight: f64,
    },
    /// A number of sequences that 128 bits do not hold.
    #[error("count of accepted sequences of length {length}: expected less than 2^128 - 1")]
    CountOverflow {
        /// The length.
        length: usize,
    },
    /// An interval that ends before it starts.
    #[error("{operation}: expected low <= high, got {low} and {high}")]
    Interval {
        /// What was asked for.
        operation: &'static str,
        /// Its lower end.
        low: usize,
        /// Its upper end.
        high: usize,
    },
    /// Classes or names that make no alphabet.
    #[error("alphabet: {0}")]
    Alphabet(String),
    /// A regular expression that cannot be read.
    #[error(transparent)]
    Regex(#[from] crate::regex::RegexError),
    /// An automaton in OpenFST's text format that cannot be read.
    #[error(transparent)]
    OpenFst(#[from] crate::openfst::OpenFstError),
    /// An instance that the data does not have.
    #[error("{operation}: instance {instance} does not exist, there are {instances}")]
    NoInstance {
        /// What was asked for.
        operation: &'static str,
        /// The instance named.
        instance: usize,
        /// How many there are.
        instances: usize,
    },
    /// Lengths that do not describe the data.
    #[error("bags: lengths sum to {sum}, the logits have {rows} rows")]
    LengthSum {
        /// The sum of the lengths; `usize::MAX` when that overflows.
        sum: usize,
        /// The instances that there are.
        rows: usize,
    },
    /// A bag that claims more instances than its padded row has.
    #[error("bags: bag {bag} has length {length}, its padded row holds {padded}")]
    LengthAbovePadding {
        /// Which bag.
        bag: usize,
        /// Its length.
        length: usize,
        /// Instances in a padded row.
        padded: usize,
    },
    /// Two arguments that disagree about how many there are of something.
    #[error("{operation}: expected {expected:?}, got {got:?}")]
    Shape {
        /// What was asked for, with the names of the axes.
        operation: &'static str,
        /// The shape expected.
        expected: Vec<usize>,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A logit that is NaN or infinite.
    #[error(
        "bags: expected finite logits, got {value} in bag {bag}, instance {instance}, class {class}"
    )]
    NonFiniteLogit {
        /// Which bag.
        bag: usize,
        /// Which instance of the bag.
        instance: usize,
        /// Which class.
        class: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// A statement about pairs on a bag that is not one.
    #[error("{operation}: expected a bag of 2 instances, bag {bag} has {length}")]
    NotAPair {
        /// `similar` or `dissimilar`.
        operation: &'static str,
        /// Which bag.
        bag: usize,
        /// Its length.
        length: usize,
    },
    /// A statement that cannot be read as one for each class.
    #[error(
        "one class against the rest: expected counts or presence of all classes, bag {bag} has \
         another constraint"
    )]
    NotOneVsRest {
        /// Which bag.
        bag: usize,
    },
    /// Numbers that are NaN or infinite.
    #[error("{operation}: expected finite numbers")]
    NotFinite {
        /// Whose numbers.
        operation: &'static str,
    },
    /// A setting outside its range.
    #[error("{name}: expected {expected}, got {got}")]
    Parameter {
        /// The setting.
        name: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// Its value.
        got: f64,
    },
    /// Tensors or devices that do not go together, or that failed.
    #[cfg(feature = "burn")]
    #[error(transparent)]
    Tensor(#[from] assay_tensor::SharedError),
    /// The bags do not come from a padded array, so there is no padding to write back to.
    #[error("scatter: the bags were not made from a padded array")]
    NotPadded,
}

/// The result of a call that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(feature = "burn")]
impl From<assay_tensor::Error> for Error {
    fn from(error: assay_tensor::Error) -> Self {
        Self::Tensor(error.into())
    }
}

#[cfg(feature = "burn")]
impl From<assay_tensor::DeviceError> for Error {
    fn from(error: assay_tensor::DeviceError) -> Self {
        Self::Tensor(error.into())
    }
}
