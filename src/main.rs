//! The binary: chooses the allocator, reads the arguments and runs the command.
//! The map is in the library.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ringproof::cli::{self, Arguments};

// Notifications are read on one thread and stored by another; memory that one
// makes and the other frees is what the system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// How long an unused page is kept, in milliseconds, once a command runs: traffic will use
/// it again.
const KEEP: std::ffi::c_long = 1_000;
/// How long a start takes at most.
const START: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    // What the start has used would be given back with the next traffic only, which on an
    // idle server never comes.
    keep_unused_pages(0);
    tokio::spawn(async {
        tokio::time::sleep(START).await;
        keep_unused_pages(KEEP);
    });
    cli::run(Arguments::parse()).await
}

/// Has the allocator give unused pages back after so many milliseconds.
#[expect(unsafe_code, reason = "the allocator is C; setting an option is safe at any time")]
fn keep_unused_pages(milliseconds: std::ffi::c_long) {
    // SAFETY: it takes two integers, and an option that does not exist is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) };
}
