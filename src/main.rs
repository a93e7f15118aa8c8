//! The binary: see the library's map.

fn main() {}
