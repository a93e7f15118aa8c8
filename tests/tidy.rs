//! The rules of the house that a machine can check: who may import whom, where foreign
//! crates live, how long files and functions are, what is depended on.
//!
//! Each check first fails on a bad snippet of its own, so that a scanner that sees
//! nothing is noticed. Test code is exempt from the rules about imports and sizes.

#![expect(clippy::unwrap_used, reason = "a check that cannot read its subject has failed")]

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/texts.rs"]
mod texts;

/// Fails with everything that is wrong, one per line.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
