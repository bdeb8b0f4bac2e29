/// An accumulator that lets one machine become many: count parts of the data anywhere, merge the
/// accumulators in any order, and get the report that one pass over everything would have given.
///
/// # Laws
/// - **Merge is associative and commutative**, exactly for integer counts and up to the rounding
///   that the implementer states for floating-point sums.
/// - **Empty is the identity**: merging with an accumulator that saw nothing, on either side, leaves
///   the bytes of the stored form as they were.
/// - **Any split gives the same report** as one update with the whole data, up to the same rounding.
/// - **Bytes round-trip**: `from_bytes(to_bytes(a))` equals `a`; anything else is an error value,
///   and no allocation is larger than the input justifies.
/// - **Failure changes nothing**: an `update` or `merge` that returns an error leaves the
///   accumulator as it was.
///
/// The feature `testing` brings `assay_score::laws::check`, which checks them all for one data set.
///
/// # Writing one
/// ```
/// use assay_score::{bytes, Error, Mergeable};
///
/// /// Counts answers and the refusals among them.
/// #[derive(Debug, Clone, PartialEq, Default)]
/// struct Refusals { answers: u64, refused: u64 }
///
/// const KIND: bytes::Kind = *b"refusals";
///
/// impl Mergeable for Refusals {
///     type Batch<'a> = &'a [bool];
///     type Report = f64;
///     type Error = Error;
///
///     fn update(&mut self, batch: &[bool]) -> Result<(), Error> {
///         self.answers += batch.len() as u64;
///         self.refused += batch.iter().filter(|&&refused| refused).count() as u64;
///         Ok(())
///     }
///     fn merge(&mut self, other: &Self) -> Result<(), Error> {
///         self.answers += other.answers;
///         self.refused += other.refused;
///         Ok(())
///     }
///     fn finish(&self) -> Result<f64, Error> {
///         if self.answers == 0 {
///             return Err(Error::Empty { operation: "refusal rate", item: "answer" });
///         }
///         Ok(self.refused as f64 / self.answers as f64)
///     }
///     fn to_bytes(&self) -> Vec<u8> {
///         bytes::Writer::new(KIND, 1).u64(self.answers).u64(self.refused).finish()
///     }
///     fn from_bytes(stored: &[u8]) -> Result<Self, Error> {
///         let mut reader = bytes::Reader::new(stored, KIND, 1)?;
///         let (answers, refused) = (reader.u64()?, reader.u64()?);
///         if refused > answers {
///             return Err(reader.invalid("no more refusals than answers", refused));
///         }
///         reader.finish()?;
///         Ok(Self { answers, refused })
///     }
/// }
///
/// let mut left = Refusals::default();
/// left.update(&[true, false])?;
/// let mut right = Refusals::default();
/// right.update(&[true, true])?;
/// left.merge(&Refusals::from_bytes(&right.to_bytes())?)?;
/// assert_eq!(left.finish()?, 0.75);
/// # Ok::<(), Error>(())
/// ```
pub trait Mergeable: Sized {
    /// What one update takes, usually borrowed slices.
    type Batch<'a>;
    /// What the counting is for.
    type Report;
    /// The implementer's error enum.
    type Error: std::error::Error;

    /// Counts a batch. An empty batch is allowed and changes nothing.
    ///
    /// # Errors
    /// When the batch is malformed; the accumulator is then as it was.
    fn update(&mut self, batch: Self::Batch<'_>) -> Result<(), Self::Error>;

    /// Adds what another accumulator of the same configuration counted.
    ///
    /// # Errors
    /// When the two are configured differently or a counter would overflow; the accumulator is then
    /// as it was.
    fn merge(&mut self, other: &Self) -> Result<(), Self::Error>;

    /// The report on everything counted so far; counting may go on afterwards.
    ///
    /// # Errors
    /// When the result of what was counted is not defined, such as the mean of nothing.
    fn finish(&self) -> Result<Self::Report, Self::Error>;

    /// The stored form: magic, kind, version, then the state, so that another process can merge it.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads the stored form, from any source: nothing in it is trusted.
    ///
    /// # Errors
    /// When the bytes are of another kind, of a version not known, cut short, too long, or hold a
    /// state that no counting leads to.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Self::Error>;
}
