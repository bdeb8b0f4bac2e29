//! Graphviz text.

use std::fmt::Write;

use super::Diagram;

pub(super) fn write(diagram: &Diagram) -> String {
    let mut text = String::from("digraph nfa {\n  rankdir=LR;\n  node [shape=circle];\n");
    let mut line = |parts: std::fmt::Arguments<'_>| {
        // cannot fail: writing to a string
        let _ = text.write_fmt(format_args!("  {parts}\n"));
    };
    for (state, end) in diagram.ends.iter().enumerate() {
        match end.as_deref() {
            Some("") => line(format_args!("{state} [shape=doublecircle];")),
            Some(weight) => {
                line(format_args!("{state} [shape=doublecircle, xlabel={}];", quoted(weight)));
            }
            None => line(format_args!("{state};")),
        }
    }
    for (index, (state, weight)) in diagram.starts.iter().enumerate() {
        line(format_args!("start{index} [shape=point, style=invis];"));
        line(format_args!("start{index} -> {state} [label={}];", quoted(weight)));
    }
    for edge in &diagram.edges {
        line(format_args!("{} -> {} [label={}];", edge.from, edge.to, quoted(&edge.label)));
    }
    text.push_str("}\n");
    text
}

/// A DOT string; there, a backslash starts an escape and a line must not end.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
