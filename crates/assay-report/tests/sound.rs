//! What every drawing and page must satisfy.

/// Panics unless `text` is well formed: every element is closed in order, attributes are quoted, no raw
/// `<` or `&` stands in text, and no number is NaN or infinite. `void` elements need no closing.
pub(crate) fn assert_well_formed(text: &str, void: &[&str]) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, after) = rest.split_at(start);
        assert_entities(before);
        let end = after.find('>').unwrap_or_else(|| panic!("an element without end: {after:.80}"));
        let tag = &after[1..end];
        assert!(!tag.contains('<'), "{tag}");
        rest = &after[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
            continue;
        }
        let name = tag.split([' ', '\n', '/']).next().unwrap_or("");
        assert_attributes(&tag[name.len()..]);
        if name == "style" {
            // CSS is no markup, but must not end the element early.
            let end = rest.find("</style>").expect("a closed style");
            assert!(!rest[..end].contains('<'));
            rest = &rest[end..];
        }
        if !tag.ends_with('/') && !void.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_entities(text: &str) {
    for part in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        assert!(known.iter().any(|name| part.starts_with(name)), "a raw & before {part:.20}");
    }
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
}

fn assert_attributes(text: &str) {
    let parts: Vec<&str> = text.split('"').collect();
    assert!(parts.len() % 2 == 1, "an open quote in {text}");
    for pair in parts.chunks(2) {
        match pair {
            [name, value] => {
                assert!(name.ends_with('='), "{name:?} in {text}");
                assert_entities(value);
            }
            rest => assert!(rest[0].trim().trim_end_matches('/').trim().is_empty(), "{text}"),
        }
    }
}

/// Panics unless the drawing is well formed and everything lies on it.
pub(crate) fn assert_drawing(svg: &str) {
    assert_well_formed(svg, &[]);
    let size = attribute(svg, "viewBox");
    let size: Vec<f64> = size.split(' ').map(|part| part.parse().unwrap()).collect();
    let (width, height) = (size[2], size[3]);
    assert!(width >= 100.0 && height >= 20.0, "{size:?}");
    for (name, limit) in [
        ("x", width),
        ("y", height),
        ("cx", width),
        ("cy", height),
        ("width", width),
        ("height", height),
    ] {
        for part in svg.split(&format!(" {name}=\"")).skip(1) {
            let value = part.split('"').next().unwrap();
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{name}={value}"));
            assert!((-1.0..=limit + 1.0).contains(&value), "{name}={value} of {limit} in {svg}");
        }
    }
    for part in svg.split(" d=\"").skip(1) {
        let path = part.split('"').next().unwrap();
        for number in path.split(['M', 'L', 'Z', ' ']).filter(|number| !number.is_empty()) {
            let value: f64 = number.parse().unwrap_or_else(|_| panic!("{path}"));
            assert!((-8.0..=width.max(height) + 8.0).contains(&value), "{path}");
        }
    }
}

pub(crate) fn attribute<'a>(svg: &'a str, name: &str) -> &'a str {
    let start = svg.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    svg[start..].split('"').next().unwrap()
}
