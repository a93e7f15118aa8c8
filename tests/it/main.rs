//! Everything from outside: a real server, real HTTP, real storage and
//! signatures, the simulator as the provider, and a clock that the tests set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod adversary;
mod api;
mod app;
mod audit;
mod browser;
mod button_call;
mod code_deliveries;
mod code_requests;
mod codes;
mod command;
mod config;
mod connections;
mod console;
mod console_browser;
mod crash;
mod deliveries;
mod demo;
mod described;
mod faults;
mod fuzz;
mod handset;
mod intake_refuses;
mod intake_verifies;
mod model;
mod nexmo;
mod operate;
mod operations;
mod plans;
mod pre_send;
mod provider;
mod readme;
mod receiver;
mod simulator;
mod sounds;
mod test_numbers;
mod tls;
mod vonage;
