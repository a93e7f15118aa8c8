//! What the guard learns from a change of a verification, stored with it.

use jiff::Timestamp;

use super::{Bar, CameTo, GuardKey};

/// What the guard learns.
#[derive(Clone, Debug)]
pub enum Learned {
    /// This stands in the way from now on.
    Bar(Bar),
    /// An authentic result came for a call counted under this key.
    Heard(GuardKey),
    /// A call counted under this key was surely not placed.
    NotPlaced {
        /// The key.
        key: GuardKey,
        /// When it was intended.
        intent_at: Timestamp,
    },
    /// What became of an attempt counted under this key.
    Attempt {
        /// The key.
        key: GuardKey,
        /// When it was intended.
        intent_at: Timestamp,
        /// What became of it.
        came_to: CameTo,
    },
}
