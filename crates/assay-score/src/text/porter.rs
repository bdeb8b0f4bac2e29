//! The Porter stemmer in the two forms in use.

/// Which rules [`porter_stem`] follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Porter {
    /// NLTK's: a short list of irregular words, and the changes that Porter later made himself. What
    /// ROUGE and METEOR use.
    #[default]
    Extended,
    /// As published (Porter 1980).
    Original,
}

/// Words that the extended form looks up.
const IRREGULAR: [(&str, &str); 16] = [
    ("skies", "sky"),
    ("sky", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// The stem of a lower-case word. Letters beyond `a` to `z` count as consonants.
///
/// ```
/// use assay_score::text::{Porter, porter_stem};
/// assert_eq!(porter_stem("relational", Porter::Extended), "relat");
/// assert_eq!(porter_stem("flies", Porter::Extended), "fli");
/// assert_eq!(porter_stem("enjoy", Porter::Extended), "enjoy");
/// assert_eq!(porter_stem("enjoy", Porter::Original), "enjoi");
/// ```
pub fn porter_stem(word: &str, form: Porter) -> String {
    let irregular = IRREGULAR.iter().find(|(irregular, _)| *irregular == word);
    if let (Porter::Extended, Some((_, stem))) = (form, irregular) {
        return (*stem).to_owned();
    }
    let letters: Vec<char> = word.chars().collect();
    if form == Porter::Extended && letters.len() <= 2 {
        return word.to_owned();
    }
    let mut stemmer = Stemmer { word: letters, form };
    stemmer.plural();
    stemmer.past();
    stemmer.final_y();
    stemmer.double_suffixes();
    stemmer.suffixes();
    stemmer.residual_suffixes();
    stemmer.final_e();
    stemmer.word.into_iter().collect()
}

struct Stemmer {
    word: Vec<char>,
    form: Porter,
}

/// Which letters are consonants: a `y` is one at the start and after a vowel.
fn consonants(word: &[char]) -> impl Iterator<Item = bool> {
    word.iter().scan(false, |before, letter| {
        *before = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' => false,
            'y' => !*before,
            _ => true,
        };
        Some(*before)
    })
}

/// How often a vowel is followed by a consonant, Porter's `m`.
fn measure(word: &[char]) -> usize {
    let mut vowel = false;
    consonants(word)
        .filter(|&consonant| std::mem::replace(&mut vowel, !consonant) && consonant)
        .count()
}

fn has_vowel(word: &[char]) -> bool {
    consonants(word).any(|consonant| !consonant)
}

fn ends_in_double_consonant(word: &[char]) -> bool {
    let n = word.len();
    n >= 2 && word[n - 1] == word[n - 2] && consonants(word).last() == Some(true)
}

impl Stemmer {
    fn ends(&self, suffix: &str) -> bool {
        let n = suffix.len();
        self.word.len() >= n && self.word[self.word.len() - n..].iter().copied().eq(suffix.chars())
    }

    fn without(&self, suffix: &str) -> &[char] {
        &self.word[..self.word.len() - suffix.len()]
    }

    fn replace(&mut self, suffix: &str, by: &str) {
        self.word.truncate(self.word.len() - suffix.len());
        self.word.extend(by.chars());
    }

    /// Of the first suffix that the word ends in: replaces it if the rest satisfies the condition.
    fn first_rule(&mut self, rules: &[(&str, &str)], allows: impl Fn(&[char]) -> bool) {
        if let Some((suffix, by)) = rules.iter().find(|(suffix, _)| self.ends(suffix))
            && allows(self.without(suffix))
        {
            self.replace(suffix, by);
        }
    }

    /// Whether a word ends in consonant, vowel, consonant other than `w`, `x` and `y`; in the extended
    /// form also whether it is a vowel and a consonant.
    fn ends_short(&self, word: &[char]) -> bool {
        let kinds: Vec<bool> = consonants(word).collect();
        match kinds[..] {
            [.., true, false, true] => !matches!(word.last(), Some('w' | 'x' | 'y')),
            [false, true] => self.form == Porter::Extended,
            _ => false,
        }
    }

    /// Step 1a.
    fn plural(&mut self) {
        if self.form == Porter::Extended && self.ends("ies") && self.word.len() == 4 {
            self.replace("ies", "ie");
            return;
        }
        self.first_rule(&[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true);
    }

    /// Step 1b.
    fn past(&mut self) {
        if self.form == Porter::Extended && self.ends("ied") {
            let by = if self.word.len() == 4 { "ie" } else { "i" };
            self.replace("ied", by);
            return;
        }
        if self.ends("eed") {
            self.first_rule(&[("eed", "ee")], |rest| measure(rest) > 0);
            return;
        }
        let Some(suffix) = ["ed", "ing"]
            .into_iter()
            .find(|suffix| self.ends(suffix) && has_vowel(self.without(suffix)))
        else {
            return;
        };
        self.replace(suffix, "");
        if ["at", "bl", "iz"].iter().any(|end| self.ends(end)) {
            self.word.push('e');
        } else if ends_in_double_consonant(&self.word) {
            if !matches!(self.word.last(), Some('l' | 's' | 'z')) {
                self.word.pop();
            }
        } else if measure(&self.word) == 1 && self.ends_short(&self.word) {
            self.word.push('e');
        }
    }

    /// Step 1c.
    fn final_y(&mut self) {
        let form = self.form;
        self.first_rule(&[("y", "i")], |rest| match form {
            Porter::Extended => rest.len() > 1 && consonants(rest).last() == Some(true),
            Porter::Original => has_vowel(rest),
        });
    }

    /// Step 2.
    fn double_suffixes(&mut self) {
        let positive = |rest: &[char]| measure(rest) > 0;
        let extended = self.form == Porter::Extended;
        // Each round takes two letters off.
        while extended && self.ends("alli") && positive(self.without("alli")) {
            self.replace("alli", "al");
        }
        let able = if extended { ("bli", "ble") } else { ("abli", "able") };
        let common = [
            ("ational", "ate"),
            ("tional", "tion"),
            ("enci", "ence"),
            ("anci", "ance"),
            ("izer", "ize"),
            able,
            ("alli", "al"),
            ("entli", "ent"),
            ("eli", "e"),
            ("ousli", "ous"),
            ("ization", "ize"),
            ("ation", "ate"),
            ("ator", "ate"),
            ("alism", "al"),
            ("iveness", "ive"),
            ("fulness", "ful"),
            ("ousness", "ous"),
            ("aliti", "al"),
            ("iviti", "ive"),
            ("biliti", "ble"),
        ];
        if extended && !common.iter().any(|(suffix, _)| self.ends(suffix)) {
            if self.ends("logi") {
                // The l belongs to the part that is measured.
                let rest = &self.word[..self.word.len() - 3];
                if positive(rest) {
                    self.replace("logi", "log");
                }
            } else {
                self.first_rule(&[("fulli", "ful")], positive);
            }
            return;
        }
        self.first_rule(&common, positive);
    }

    /// Step 3.
    fn suffixes(&mut self) {
        let rules = [
            ("icate", "ic"),
            ("ative", ""),
            ("alize", "al"),
            ("iciti", "ic"),
            ("ical", "ic"),
            ("ful", ""),
            ("ness", ""),
        ];
        self.first_rule(&rules, |rest| measure(rest) > 0);
    }

    /// Step 4.
    fn residual_suffixes(&mut self) {
        let before = [
            "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
            "ou", "ism", "ate", "iti", "ous", "ive", "ize",
        ];
        let rules = before.map(|suffix| (suffix, ""));
        let ion = self.ends("ion");
        self.first_rule(&rules, |rest| {
            measure(rest) > 1 && (!ion || matches!(rest.last(), Some('s' | 't')))
        });
    }

    /// Step 5.
    fn final_e(&mut self) {
        if self.ends("e") {
            let rest = self.without("e");
            let m = measure(rest);
            if m > 1 || m == 1 && !self.ends_short(rest) {
                self.word.pop();
            }
        }
        if self.ends("ll") && measure(&self.word[..self.word.len() - 1]) > 1 {
            self.word.pop();
        }
    }
}
