//! Prints the OpenAPI document of the admin API. Run by `cargo xtask codegen` and `cargo xtask tidy`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let document = serde_json::to_string_pretty(&admin::openapi())?;
    writeln!(std::io::stdout(), "{document}")
}
