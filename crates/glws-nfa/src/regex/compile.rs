//! From syntax tree to automaton.

use super::alphabet::Alphabet;
use super::ast::{Ast, Item};
use crate::algebra::{Budget, Dfa, EpsilonNfa, Symbols};
use crate::error::Result;

/// The minimal automaton of an expression over the blocks of classes that it tells apart.
pub(super) fn compile(
    ast: &Ast,
    alphabet: &Alphabet,
    budget: &mut Budget,
) -> Result<(Dfa, Symbols)> {
    let mut nodes = Vec::new();
    collect_sets(ast, &mut nodes);
    let sets = nodes.into_iter().map(|node| members(node, alphabet, budget));
    let symbols = Symbols::separating(alphabet.num_classes(), sets)?;
    let dfa = Compiler { alphabet, symbols: &symbols, budget }.dfa(ast)?;
    Ok((dfa, symbols))
}

/// The nodes that name classes.
fn collect_sets<'a>(ast: &'a Ast, nodes: &mut Vec<&'a [Item]>) {
    match ast {
        Ast::Empty | Ast::Any => {}
        Ast::Symbol(item) => nodes.push(std::slice::from_ref(item)),
        Ast::Set { items, .. } => nodes.push(items),
        Ast::Concatenation(parts) | Ast::Alternation(parts) | Ast::Intersection(parts) => {
            for part in parts {
                collect_sets(part, nodes);
            }
        }
        Ast::Complement(inner) | Ast::Repeat { inner, .. } => collect_sets(inner, nodes),
    }
}

/// The classes that the items name, sorted.
fn members(items: &[Item], alphabet: &Alphabet, budget: &mut Budget) -> Result<Vec<usize>> {
    let mut classes = Vec::new();
    for item in items {
        let before = classes.len();
        match item {
            Item::Class(class) => classes.push(*class),
            Item::Range(low, high) => classes.extend(*low..=*high),
            // The parser knows the name; an unknown one would stand for nothing.
            Item::Name(name) => classes.extend(alphabet.classes(name).unwrap_or_default()),
        }
        budget.spend(1 + classes.len() - before)?;
    }
    classes.sort_unstable();
    classes.dedup();
    Ok(classes)
}

struct Compiler<'a> {
    alphabet: &'a Alphabet,
    symbols: &'a Symbols,
    budget: &'a mut Budget,
}

impl Compiler<'_> {
    /// The minimal deterministic automaton of a tree.
    fn dfa(&mut self, ast: &Ast) -> Result<Dfa> {
        match ast {
            Ast::Complement(inner) => Ok(self.dfa(inner)?.complement()),
            Ast::Intersection(parts) => {
                let mut all: Option<Dfa> = None;
                for part in parts {
                    let next = self.dfa(part)?;
                    all = Some(match all {
                        None => next,
                        Some(before) => {
                            before.product(&next, |a, b| a && b, self.budget)?.minimise()
                        }
                    });
                }
                match all {
                    Some(dfa) => Ok(dfa),
                    // The parser makes no empty intersection; it would hold for every string.
                    None => {
                        self.dfa(&Ast::Repeat { inner: Box::new(Ast::Any), low: 0, high: None })
                    }
                }
            }
            _ => {
                let fragment = self.fragment(ast)?;
                Ok(Dfa::from_epsilon(&fragment, self.symbols.len(), self.budget)?.minimise())
            }
        }
    }

    /// An automaton of its own for a tree.
    fn fragment(&mut self, ast: &Ast) -> Result<EpsilonNfa> {
        let mut nfa = EpsilonNfa::default();
        let from = nfa.state(self.budget)?;
        let to = nfa.state(self.budget)?;
        self.add(ast, &mut nfa, from, to)?;
        nfa.initial.push((from, 0.0));
        nfa.finals.push((to, 0.0));
        Ok(nfa)
    }

    /// Adds paths for exactly the tree's strings between two states (K. Thompson, "Regular
    /// expression search algorithm", 1968). It adds no arc into `from` and none out of `to`, so that
    /// the parts of a larger expression do not leak into one another.
    fn add(&mut self, ast: &Ast, nfa: &mut EpsilonNfa, from: u32, to: u32) -> Result<()> {
        self.budget.spend(1)?;
        match ast {
            Ast::Empty => nfa.arc(from, None, 0.0, to),
            Ast::Any => self.read(nfa, from, to, &[], true)?,
            Ast::Symbol(item) => self.read(nfa, from, to, std::slice::from_ref(item), false)?,
            Ast::Set { negated, items } => self.read(nfa, from, to, items, *negated)?,
            Ast::Concatenation(parts) => {
                let mut here = from;
                for (index, part) in parts.iter().enumerate() {
                    let next = if index + 1 == parts.len() { to } else { nfa.state(self.budget)? };
                    self.add(part, nfa, here, next)?;
                    here = next;
                }
            }
            Ast::Alternation(parts) => {
                for part in parts {
                    self.add(part, nfa, from, to)?;
                }
            }
            Ast::Complement(_) | Ast::Intersection(_) => {
                let dfa = self.dfa(ast)?;
                nfa.embed(&dfa.to_epsilon(), &[from], to, self.budget)?;
            }
            Ast::Repeat { inner, low, high } => {
                let copy = self.fragment(inner)?;
                copy.repeat(nfa, from, to, (*low, *high), self.budget)?;
            }
        }
        Ok(())
    }

    /// Arcs for one class among the items, or for one that is not among them.
    fn read(
        &mut self,
        nfa: &mut EpsilonNfa,
        from: u32,
        to: u32,
        items: &[Item],
        negated: bool,
    ) -> Result<()> {
        let classes = members(items, self.alphabet, self.budget)?;
        self.budget.spend(self.symbols.len())?;
        let inside = self.symbols.blocks(&classes);
        for block in 0..self.symbols.len() as u32 {
            if inside.binary_search(&block).is_ok() != negated {
                nfa.arc(from, Some(block), 0.0, to);
            }
        }
        Ok(())
    }
}
