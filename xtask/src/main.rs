//! `cargo xtask tidy`: the rules of ARCHITECTURE.md, checked.

fn main() -> anyhow::Result<()> {
    Ok(())
}
