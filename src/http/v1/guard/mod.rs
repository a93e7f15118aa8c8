//! What operators see of the guard and change: switches, suppressions, blocks, totals.

mod bar;
pub mod exempt;
pub mod lift_block;
pub mod list_blocks;
pub mod list_exemptions;
pub mod list_suppressions;
pub mod list_switches;
pub mod set_switch;
pub mod show_guard;
pub mod suppress;
pub mod unexempt;
pub mod unsuppress;
