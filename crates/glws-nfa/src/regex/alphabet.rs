//! The classes that an expression may speak of, and their names.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// More classes than any classifier has; it keeps a wrong number from becoming an allocation.
const MAX_CLASSES: usize = 1 << 20;

/// The classes `0..num_classes`, with optional names for classes and for sets of classes.
///
/// ```
/// # use glws_nfa::Alphabet;
/// let digits = Alphabet::new(10)?.with_set("even", [0, 2, 4, 6, 8])?;
/// let pets = Alphabet::named(["cat", "dog", "bird"])?.with_set("furry", [0, 1])?;
/// assert_eq!(pets.num_classes(), 3);
/// assert_eq!(pets.classes("furry"), Some(&[0, 1][..]));
/// assert_eq!(pets.classes("dog"), Some(&[1][..]));
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked", into = "Unchecked"))]
pub struct Alphabet {
    num_classes: usize,
    class_names: Vec<String>,
    sets: BTreeMap<String, Vec<usize>>,
}

impl Alphabet {
    /// The classes `0..num_classes` without names.
    ///
    /// # Errors
    /// [`Error::Alphabet`] when `num_classes` is 0 or above 2^20.
    pub fn new(num_classes: usize) -> Result<Self> {
        if num_classes == 0 || num_classes > MAX_CLASSES {
            return Err(Error::Alphabet(format!(
                "expected 1 to {MAX_CLASSES} classes, got {num_classes}"
            )));
        }
        Ok(Self { num_classes, class_names: Vec::new(), sets: BTreeMap::new() })
    }

    /// One class per name, numbered in order.
    ///
    /// # Errors
    /// [`Error::Alphabet`] when there is no name, when a name occurs twice, or when a name is
    /// empty, is a number, has white space at an end, or contains `<` or `>`: expressions write
    /// names as `<name>`.
    pub fn named<I>(names: I) -> Result<Self>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let class_names: Vec<String> =
            names.into_iter().take(MAX_CLASSES + 1).map(Into::into).collect();
        let mut alphabet = Self::new(class_names.len())?;
        for (class, name) in class_names.iter().enumerate() {
            alphabet.insert(name.clone(), vec![class])?;
        }
        alphabet.class_names = class_names;
        Ok(alphabet)
    }

    /// Adds a name for a set of classes.
    ///
    /// # Errors
    /// [`Error::Alphabet`] when the name is taken or cannot be written as `<name>`, and
    /// [`Error::ClassOutOfRange`] when a class is not in the alphabet. The set may be empty.
    pub fn with_set<I>(mut self, name: impl Into<String>, classes: I) -> Result<Self>
    where
        I: IntoIterator<Item = usize>,
    {
        let mut set: Vec<usize> = Vec::new();
        for class in classes {
            if class >= self.num_classes {
                return Err(Error::ClassOutOfRange {
                    operation: "alphabet",
                    class,
                    num_classes: self.num_classes,
                });
            }
            set.push(class);
        }
        set.sort_unstable();
        set.dedup();
        self.insert(name.into(), set)?;
        Ok(self)
    }

    /// The number of classes.
    pub fn num_classes(&self) -> usize {
        self.num_classes
    }

    /// The name of a class, if the alphabet was made from names.
    pub fn class_name(&self, class: usize) -> Option<&str> {
        self.class_names.get(class).map(String::as_str)
    }

    /// The classes, sorted, that a name stands for: one for a class, any number for a set.
    pub fn classes(&self, name: &str) -> Option<&[usize]> {
        self.sets.get(name).map(Vec::as_slice)
    }

    fn insert(&mut self, name: String, set: Vec<usize>) -> Result<()> {
        let digits = name.bytes().all(|b| b.is_ascii_digit());
        if digits || name.contains(['<', '>']) || name.trim() != name {
            return Err(Error::Alphabet(format!(
                "expected a name that is not empty or a number, without < > or white space at an \
                 end, got {name:?}"
            )));
        }
        if self.sets.contains_key(&name) {
            return Err(Error::Alphabet(format!("the name {name:?} is used twice")));
        }
        self.sets.insert(name, set);
        Ok(())
    }
}

/// What is written and read; reading goes through the checks above.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Unchecked {
    num_classes: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    class_names: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sets: BTreeMap<String, Vec<usize>>,
}

#[cfg(feature = "serde")]
impl From<Alphabet> for Unchecked {
    fn from(alphabet: Alphabet) -> Self {
        let Alphabet { num_classes, class_names, mut sets } = alphabet;
        for name in &class_names {
            sets.remove(name);
        }
        Self { num_classes, class_names, sets }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for Alphabet {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        let Unchecked { num_classes, class_names, sets } = unchecked;
        let mut alphabet = if class_names.is_empty() {
            Self::new(num_classes)?
        } else if class_names.len() == num_classes {
            Self::named(class_names)?
        } else {
            return Err(Error::Alphabet(format!(
                "expected {num_classes} class names, got {}",
                class_names.len()
            )));
        };
        for (name, set) in sets {
            alphabet = alphabet.with_set(name, set)?;
        }
        Ok(alphabet)
    }
}
