//! Tests of the core that are too long to stand beside what they test.

mod ladders;
mod random;
mod regions;
mod texts;
