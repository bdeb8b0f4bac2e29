//! Nothing: the benches are the targets beside this folder.
