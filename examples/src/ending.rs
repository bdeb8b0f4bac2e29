//! How every program ends.
#![allow(clippy::print_stderr)] // its user reads it

use std::fmt::Display;
use std::process::ExitCode;

/// Success, or exit code 1 with `error: …` on the terminal.
pub fn exit_code<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
