//! Tests of the pure core: rules, results and state machine, without a server,
//! a store or a clock.

mod adversary;
mod bodies;
mod deliveries;
mod domains_own;
mod fixture;
mod histories;
mod history;
mod invariants;
mod left_out;
mod numbers;
mod orders;
mod pbx;
mod random;
mod run;
mod story;
mod tally;
mod traps;
mod truth;
mod world;
