//! The program: see `sidebyside --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sidebyside::cli::run()
}
