//! The binary: chooses the allocator, reads the arguments and runs the command.
//! The map is in the library.

use std::process::ExitCode;

use clap::Parser;
use ringproof::cli::{self, Arguments};

// Notifications are read on one thread and stored by another; memory that one
// makes and the other frees is what the system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

#[tokio::main]
async fn main() -> ExitCode {
    give_back_at_once();
    cli::run(Arguments::parse()).await
}

/// Has pages that are no longer used given back at once, not a second later,
/// which on an idle server never comes.
#[expect(unsafe_code, reason = "the allocator is C; setting an option is safe at any time")]
fn give_back_at_once() {
    // SAFETY: it takes two integers, and an option that does not exist is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };
}
