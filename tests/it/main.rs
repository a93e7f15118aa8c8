//! Everything from outside: a real server, real HTTP, real storage and
//! signatures, the simulator as the provider, and a clock that the tests set.

mod app;
mod button_call;
mod crash;
mod intake_refuses;
mod intake_verifies;
mod sounds;
