//! The sandbox spawner of this crate's tests; the `theazo` binary is its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    theazo_providers::local::spawner_main()
}
