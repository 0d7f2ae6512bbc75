//! `tamis`: see `tamis --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tamis::cli::main()
}
