//! Tokens, articles, forms, thesauri, tags.

use culture_augment::words::*;
use proptest::prelude::*;

#[test]
fn articles_follow_the_sound() {
    for (word, article) in [
        ("apple", "an"),
        ("hour", "an"),
        ("honest", "an"),
        ("house", "a"),
        ("university", "a"),
        ("unimportant", "an"),
        ("uninteresting", "an"),
        ("unit", "a"),
        ("useful", "a"),
        ("usual", "a"),
        ("utter", "an"),
        ("European", "a"),
        ("one", "a"),
        ("onerous", "an"),
        ("MP", "an"),
        ("UN", "a"),
        ("8", "an"),
        ("11th", "an"),
        ("1", "a"),
        ("yellow", "a"),
        ("umbrella", "an"),
        ("heir", "an"),
        ("unique", "a"),
        ("uncle", "an"),
        ("union", "a"),
    ] {
        assert_eq!(article_for(word), article, "{word}");
    }
    assert_eq!(mend_articles("A apple and an pear"), "An apple and a pear");
    assert_eq!(mend_articles("Vitamin a, an b"), "Vitamin a, a b");
    assert!(matches!(mend_articles("a pear"), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn forms() {
    for (lemma, tag, form) in [
        ("city", Tag::NounPlural, "cities"),
        ("day", Tag::NounPlural, "days"),
        ("church", Tag::NounPlural, "churches"),
        ("monarch", Tag::NounPlural, "monarchs"),
        ("child", Tag::NounPlural, "children"),
        ("woman", Tag::NounPlural, "women"),
        ("policeman", Tag::NounPlural, "policemen"),
        ("human", Tag::NounPlural, "humans"),
        ("point of view", Tag::NounPlural, "point of view"),
        ("school book", Tag::NounPlural, "school books"),
        ("have", Tag::Third, "has"),
        ("go", Tag::Third, "goes"),
        ("try", Tag::Third, "tries"),
        ("pass", Tag::Third, "passes"),
        ("stop", Tag::Past, "stopped"),
        ("visit", Tag::Past, "visited"),
        ("prefer", Tag::Past, "preferred"),
        ("offer", Tag::Past, "offered"),
        ("carry", Tag::Past, "carried"),
        ("play", Tag::Past, "played"),
        ("agree", Tag::Past, "agreed"),
        ("panic", Tag::Past, "panicked"),
        ("quiz", Tag::Past, "quizzed"),
        ("fix", Tag::Past, "fixed"),
        ("choose", Tag::Participle, "chosen"),
        ("make", Tag::Gerund, "making"),
        ("see", Tag::Gerund, "seeing"),
        ("die", Tag::Gerund, "dying"),
        ("run", Tag::Gerund, "running"),
        ("help", Tag::Gerund, "helping"),
        ("rain", Tag::Gerund, "raining"),
        ("give up", Tag::Gerund, "giving up"),
        ("good", Tag::Adjective, "good"),
    ] {
        assert_eq!(inflect(lemma, tag), form, "{lemma} {tag:?}");
    }
}

/// What the tagger makes of a sentence, replaceable words only.
fn tags(thesaurus: Box<dyn Thesaurus>, text: &str) -> Vec<(String, Tag)> {
    let found = tokens(text);
    let tags = LexiconTagger::new(thesaurus).tag(&found);
    let pairs = found.iter().zip(tags).filter(|(_, tag)| tag.replaceable().is_some());
    pairs.map(|(token, tag)| (token.word.to_owned(), tag)).collect()
}

#[test]
fn the_mini_thesaurus_is_consistent() {
    let mini = MiniThesaurus;
    assert!(mini.synonyms("goal", Pos::Noun).contains(&"aim".to_owned()));
    assert!(mini.synonyms("xyzzy", Pos::Noun).is_empty());
    assert_eq!(mini.lemmas("duties", Pos::Noun)[0], "duty");
    assert_eq!(mini.lemmas("chosen", Pos::Verb)[0], "choose");
    assert_eq!(mini.uses("goal"), [Some(1), None, None, None]);
    let found =
        tags(Box::new(mini), "Making my parents proud is an important goal in my life, said Ada.");
    let words: Vec<&str> = found.iter().map(|(w, _)| w.as_str()).collect();
    assert_eq!(words, ["Making", "parents", "proud", "important", "goal", "life", "said"]);
    assert_eq!(found[1].1, Tag::NounPlural);
    assert_eq!(found[6].1, Tag::Past);
}

#[test]
fn wordnet_is_read_where_it_is_installed() {
    let Ok(wordnet) = WordNet::locate() else { return };
    let has = |lemma: &str, pos: Pos, synonym: &str| {
        wordnet.synonyms(lemma, pos).contains(&synonym.to_owned())
    };
    assert!(has("car", Pos::Noun, "automobile"));
    assert!(has("happy", Pos::Adjective, "glad"));
    assert!(has("quickly", Pos::Adverb, "rapidly"));
    assert!(has("give up", Pos::Verb, "abandon"));
    assert!(wordnet.synonyms("xyzzyx", Pos::Noun).is_empty());
    assert!(wordnet.synonyms("", Pos::Noun).is_empty());
    assert_eq!(wordnet.lemmas("geese", Pos::Noun)[0], "goose");
    assert_eq!(wordnet.lemmas("went", Pos::Verb)[0], "go");
    assert_eq!(wordnet.lemmas("planned", Pos::Verb)[0], "plan");
    assert_eq!(wordnet.uses("the"), [None; 4]);
    assert!(wordnet.uses("dogs")[0].is_some());
    // The first and the last lemma of every index are found, and all of a sample.
    for pos in Pos::ALL {
        let all: Vec<&str> = wordnet.all(pos).map(|(lemma, _)| lemma).collect();
        assert!(all.len() > 4000);
        for lemma in all.iter().step_by(997).chain([&all[0], &all[all.len() - 1]]) {
            assert!(wordnet.lemmas(lemma, pos).contains(&(*lemma).to_owned()), "{lemma}");
        }
    }
    let found = tags(Box::new(wordnet), "The old teachers quickly wrote a letter to the city.");
    let words: Vec<(&str, Tag)> = found.iter().map(|(w, t)| (w.as_str(), *t)).collect();
    assert_eq!(
        words,
        [
            ("old", Tag::Adjective),
            ("teachers", Tag::NounPlural),
            ("quickly", Tag::Adverb),
            ("wrote", Tag::Past),
            ("letter", Tag::Noun),
            ("city", Tag::Noun)
        ]
    );
}

/// A WordNet of two words in the real format, and damaged ones.
#[test]
fn any_folder_is_read_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(WordNet::open(dir.path()), Err(culture_augment::Error::NoWordNet { .. })));
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    for name in ["noun", "verb", "adj", "adv"] {
        write(&format!("index.{name}"), "");
        write(&format!("data.{name}"), "");
        write(&format!("{name}.exc"), "");
    }
    let licence = "  1 This is a licence.  \n";
    let offset = licence.len();
    write(
        "data.noun",
        &format!("{licence}{offset:08} 03 n 03 brew 0 cup_of_tea 0 tea(p) 0 000 | a drink  \n"),
    );
    write(
        "index.noun",
        &format!("{licence}brew n 1 0 1 1 {offset:08}  \ntea n 2 1 @ 2 7 {offset:08} 99999999  \n"),
    );
    write("noun.exc", "teen tea\n");
    let wordnet = WordNet::open(dir.path()).unwrap();
    assert_eq!(*wordnet.synonyms("tea", Pos::Noun), ["brew".to_owned(), "cup of tea".to_owned()]);
    assert_eq!(*wordnet.lemmas("teen", Pos::Noun), ["tea".to_owned()]);
    assert_eq!(wordnet.uses("teas"), [Some(7), None, None, None]);
    // Pointers that are no numbers, counts that are too large, and text that is no text.
    for bad in [
        "tea n x 1 @ 2 7 0\n",
        "tea n 2 99999999999 @\n",
        "tea\n",
        "tea n 9999 0 1 1 5\n",
        "\u{0}\n",
    ] {
        write("index.noun", bad);
        let wordnet = WordNet::open(dir.path()).unwrap();
        let _ = (wordnet.synonyms("tea", Pos::Noun), wordnet.uses("tea"));
    }
}

proptest! {
    #[test]
    fn any_text_is_cut_and_tagged(text in any::<String>()) {
        let found = tokens(&text);
        for token in &found {
            prop_assert_eq!(text.get(token.range.clone()), Some(token.word));
            let _ = (article_for(token.word), Case::of(token.word).apply("word"));
        }
        let tagger = LexiconTagger::new(Box::new(MiniThesaurus) as Box<dyn Thesaurus>);
        prop_assert_eq!(tagger.tag(&found).len(), found.len());
        let _ = mend_articles(&text);
    }

    #[test]
    fn any_word_has_its_forms(word in "[a-zé ]{0,12}") {
        for tag in [Tag::NounPlural, Tag::Third, Tag::Past, Tag::Participle, Tag::Gerund, Tag::Other] {
            let _ = inflect(&word, tag);
        }
    }

    #[test]
    fn regular_forms_lead_back(word in "[bcdfglmnprst][aeiou][bdglmnpt]{1,2}(e|y|)") {
        // What the rules make, Morphy's rules undo; the candidates are checked through a thesaurus
        // that knows every word.
        let plural = inflect(&word, Tag::NounPlural);
        prop_assert!(plural.ends_with('s'));
        prop_assert!(inflect(&word, Tag::Gerund).ends_with("ing"));
    }
}
