//! A new migration must be embedded, though no source file changed.

#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
