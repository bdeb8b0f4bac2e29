//! Forms of English words, by rule and by a list of the irregular ones.

use super::Tag;

/// Base, past and participle of common irregular verbs.
const VERBS: &[[&str; 3]] = &[
    ["arise", "arose", "arisen"],
    ["awake", "awoke", "awoken"],
    ["be", "was", "been"],
    ["bear", "bore", "borne"],
    ["beat", "beat", "beaten"],
    ["become", "became", "become"],
    ["begin", "began", "begun"],
    ["bend", "bent", "bent"],
    ["bet", "bet", "bet"],
    ["bind", "bound", "bound"],
    ["bite", "bit", "bitten"],
    ["bleed", "bled", "bled"],
    ["blow", "blew", "blown"],
    ["break", "broke", "broken"],
    ["breed", "bred", "bred"],
    ["bring", "brought", "brought"],
    ["build", "built", "built"],
    ["burst", "burst", "burst"],
    ["buy", "bought", "bought"],
    ["cast", "cast", "cast"],
    ["catch", "caught", "caught"],
    ["choose", "chose", "chosen"],
    ["come", "came", "come"],
    ["cost", "cost", "cost"],
    ["cut", "cut", "cut"],
    ["deal", "dealt", "dealt"],
    ["dig", "dug", "dug"],
    ["do", "did", "done"],
    ["draw", "drew", "drawn"],
    ["drink", "drank", "drunk"],
    ["drive", "drove", "driven"],
    ["eat", "ate", "eaten"],
    ["fall", "fell", "fallen"],
    ["feed", "fed", "fed"],
    ["feel", "felt", "felt"],
    ["fight", "fought", "fought"],
    ["find", "found", "found"],
    ["flee", "fled", "fled"],
    ["fly", "flew", "flown"],
    ["forbid", "forbade", "forbidden"],
    ["forecast", "forecast", "forecast"],
    ["foresee", "foresaw", "foreseen"],
    ["forget", "forgot", "forgotten"],
    ["forgive", "forgave", "forgiven"],
    ["freeze", "froze", "frozen"],
    ["get", "got", "got"],
    ["give", "gave", "given"],
    ["go", "went", "gone"],
    ["grow", "grew", "grown"],
    ["hang", "hung", "hung"],
    ["have", "had", "had"],
    ["hear", "heard", "heard"],
    ["hide", "hid", "hidden"],
    ["hit", "hit", "hit"],
    ["hold", "held", "held"],
    ["hurt", "hurt", "hurt"],
    ["keep", "kept", "kept"],
    ["know", "knew", "known"],
    ["lay", "laid", "laid"],
    ["lead", "led", "led"],
    ["leave", "left", "left"],
    ["lend", "lent", "lent"],
    ["let", "let", "let"],
    ["lie", "lay", "lain"],
    ["light", "lit", "lit"],
    ["lose", "lost", "lost"],
    ["make", "made", "made"],
    ["mean", "meant", "meant"],
    ["meet", "met", "met"],
    ["mistake", "mistook", "mistaken"],
    ["overcome", "overcame", "overcome"],
    ["pay", "paid", "paid"],
    ["put", "put", "put"],
    ["quit", "quit", "quit"],
    ["read", "read", "read"],
    ["ride", "rode", "ridden"],
    ["ring", "rang", "rung"],
    ["rise", "rose", "risen"],
    ["run", "ran", "run"],
    ["say", "said", "said"],
    ["see", "saw", "seen"],
    ["seek", "sought", "sought"],
    ["sell", "sold", "sold"],
    ["send", "sent", "sent"],
    ["set", "set", "set"],
    ["shake", "shook", "shaken"],
    ["shed", "shed", "shed"],
    ["shine", "shone", "shone"],
    ["shoot", "shot", "shot"],
    ["show", "showed", "shown"],
    ["shrink", "shrank", "shrunk"],
    ["shut", "shut", "shut"],
    ["sing", "sang", "sung"],
    ["sink", "sank", "sunk"],
    ["sit", "sat", "sat"],
    ["sleep", "slept", "slept"],
    ["slide", "slid", "slid"],
    ["speak", "spoke", "spoken"],
    ["spend", "spent", "spent"],
    ["spin", "spun", "spun"],
    ["split", "split", "split"],
    ["spread", "spread", "spread"],
    ["spring", "sprang", "sprung"],
    ["stand", "stood", "stood"],
    ["steal", "stole", "stolen"],
    ["stick", "stuck", "stuck"],
    ["strike", "struck", "struck"],
    ["strive", "strove", "striven"],
    ["swear", "swore", "sworn"],
    ["sweep", "swept", "swept"],
    ["swim", "swam", "swum"],
    ["swing", "swung", "swung"],
    ["take", "took", "taken"],
    ["teach", "taught", "taught"],
    ["tear", "tore", "torn"],
    ["tell", "told", "told"],
    ["think", "thought", "thought"],
    ["throw", "threw", "thrown"],
    ["understand", "understood", "understood"],
    ["undergo", "underwent", "undergone"],
    ["uphold", "upheld", "upheld"],
    ["wake", "woke", "woken"],
    ["wear", "wore", "worn"],
    ["weave", "wove", "woven"],
    ["weep", "wept", "wept"],
    ["win", "won", "won"],
    ["wind", "wound", "wound"],
    ["withdraw", "withdrew", "withdrawn"],
    ["withhold", "withheld", "withheld"],
    ["withstand", "withstood", "withstood"],
    ["write", "wrote", "written"],
];

/// Nouns whose plural follows no rule here.
const NOUNS: &[[&str; 2]] = &[
    ["analysis", "analyses"],
    ["basis", "bases"],
    ["belief", "beliefs"],
    ["calf", "calves"],
    ["chef", "chefs"],
    ["chief", "chiefs"],
    ["child", "children"],
    ["cliff", "cliffs"],
    ["crisis", "crises"],
    ["criterion", "criteria"],
    ["datum", "data"],
    ["echo", "echoes"],
    ["foot", "feet"],
    ["goose", "geese"],
    ["half", "halves"],
    ["hero", "heroes"],
    ["hypothesis", "hypotheses"],
    ["knife", "knives"],
    ["leaf", "leaves"],
    ["life", "lives"],
    ["loaf", "loaves"],
    ["man", "men"],
    ["medium", "media"],
    ["mouse", "mice"],
    ["offspring", "offspring"],
    ["ox", "oxen"],
    ["people", "people"],
    ["person", "people"],
    ["phenomenon", "phenomena"],
    ["potato", "potatoes"],
    ["self", "selves"],
    ["series", "series"],
    ["sheep", "sheep"],
    ["shelf", "shelves"],
    ["species", "species"],
    ["thesis", "theses"],
    ["thief", "thieves"],
    ["tomato", "tomatoes"],
    ["tooth", "teeth"],
    ["wife", "wives"],
    ["wolf", "wolves"],
    ["woman", "women"],
];

/// Verbs of two syllables with the stress on the second one, whose last consonant doubles.
const DOUBLES: &[&str] = &[
    "abet", "abhor", "acquit", "admit", "allot", "begin", "commit", "compel", "confer", "control",
    "defer", "deter", "emit", "equip", "excel", "expel", "forbid", "forget", "incur", "infer",
    "occur", "omit", "patrol", "permit", "prefer", "propel", "rebel", "recur", "refer", "regret",
    "remit", "repel", "submit", "transfer", "transmit", "upset",
];

/// A lemma in the form that a tag asks for; words of several parts change where English does
/// (`look at` → `looked at`, `point of view` is left alone). Tags that ask for nothing leave it.
///
/// ```
/// use culture_augment::words::{Tag, inflect};
/// assert_eq!(inflect("party", Tag::NounPlural), "parties");
/// assert_eq!(inflect("plan", Tag::Gerund), "planning");
/// assert_eq!(inflect("take", Tag::Past), "took");
/// assert_eq!(inflect("look at", Tag::Third), "looks at");
/// ```
pub fn inflect(lemma: &str, tag: Tag) -> String {
    let (head, rest) = lemma.split_once(' ').map_or((lemma, None), |(h, r)| (h, Some(r)));
    match (tag, rest) {
        (Tag::NounPlural, None) => plural(head),
        (Tag::NounPlural, Some(_)) => {
            // The last word of a noun is its head unless a preposition follows the first.
            match lemma.rsplit_once(' ') {
                Some((before, last)) if !lemma.contains(" of ") => {
                    format!("{before} {}", plural(last))
                }
                _ => lemma.to_owned(),
            }
        }
        (Tag::Third | Tag::Past | Tag::Participle | Tag::Gerund, rest) => {
            let verb = match tag {
                Tag::Third => third(head),
                Tag::Past => past(head, 1),
                Tag::Participle => past(head, 2),
                _ => gerund(head),
            };
            rest.map_or(verb.clone(), |rest| format!("{verb} {rest}"))
        }
        _ => lemma.to_owned(),
    }
}

fn plural(noun: &str) -> String {
    if let Some([_, plural]) = NOUNS.iter().find(|[singular, _]| *singular == noun) {
        return (*plural).to_owned();
    }
    if let Some(stem) = noun.strip_suffix("man")
        && !matches!(noun, "human" | "german" | "roman" | "talisman")
        && !stem.is_empty()
    {
        return format!("{stem}men");
    }
    with_s(noun)
}

fn third(verb: &str) -> String {
    match verb {
        "be" => "is".to_owned(),
        "have" => "has".to_owned(),
        "go" | "do" | "undergo" | "forgo" => format!("{verb}es"),
        _ => with_s(verb),
    }
}

fn with_s(word: &str) -> String {
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) {
        // monarch, stomach: the sound is k.
        if matches!(word, "monarch" | "stomach" | "patriarch" | "matriarch" | "epoch") {
            return format!("{word}s");
        }
        return format!("{word}es");
    }
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) && !stem.is_empty() => format!("{stem}ies"),
        _ => format!("{word}s"),
    }
}

fn past(verb: &str, form: usize) -> String {
    if let Some(forms) = VERBS.iter().find(|forms| forms[0] == verb) {
        return forms[form.min(2)].to_owned();
    }
    if verb.ends_with('e') {
        return format!("{verb}d");
    }
    if let Some(stem) = verb.strip_suffix('y')
        && !stem.ends_with(is_vowel)
    {
        return format!("{stem}ied");
    }
    format!("{}ed", doubled(verb))
}

fn gerund(verb: &str) -> String {
    if let Some(stem) = verb.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    if let Some(stem) = verb.strip_suffix('e')
        && !verb.ends_with("ee")
        && !verb.ends_with("oe")
        && !verb.ends_with("ye")
        && verb != "be"
        && verb != "singe"
    {
        return format!("{stem}ing");
    }
    format!("{}ing", doubled(verb))
}

/// The verb with its last consonant doubled where spelling asks for it.
fn doubled(verb: &str) -> String {
    if verb.ends_with('c') {
        return format!("{verb}k"); // panicked
    }
    let chars: Vec<char> = verb.chars().collect();
    let [.., a, b, c] = chars.as_slice() else { return verb.to_owned() };
    let closed =
        !is_vowel(*c) && is_vowel(*b) && !is_vowel(*a) && !matches!(c, 'w' | 'x' | 'y' | 'h');
    // "qu" is a consonant: quit, equip.
    let closed = closed
        || (*a == 'u'
            && chars.len() >= 4
            && chars[chars.len() - 4] == 'q'
            && is_vowel(*b)
            && !is_vowel(*c)
            && !matches!(c, 'w' | 'x' | 'y'));
    let vowels = chars.windows(2).filter(|w| is_vowel(w[0]) && !is_vowel(w[1])).count();
    if closed && (vowels == 1 || DOUBLES.contains(&verb)) {
        format!("{verb}{c}")
    } else {
        verb.to_owned()
    }
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')
}
