//! Copies the log into the database beside the writer, so that nobody waits
//! for it.
//!
//! While it copies, the writer goes on. The log begins anew only when all of it
//! is copied, and then its old place is written again, which costs the disk half
//! of what a growing file does. So the writer itself copies the little that came
//! meanwhile.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;

use super::open::connect;

/// Jobs between two rounds, some 50 MiB of log. Each round competes with the
/// writer for the disk, and pages that changed often are copied once: few long
/// rounds take less of everybody's time than many short ones.
const JOBS: usize = 16 * 1024;

/// The way to the copying thread.
pub(super) struct Checkpoints {
    jobs: Cell<usize>,
    wake: SyncSender<()>,
    /// Set by the thread when nearly all is copied, cleared by the writer.
    nearly: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread, which opens a connection of its own when first needed.
    pub(super) fn start(path: PathBuf) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let nearly = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&nearly);
        let thread = Builder::new().name("store-checkpoint".to_owned()).spawn(move || {
            let mut connection = None;
            while woken.recv().is_ok() {
                match copy_beside(&mut connection, &path) {
                    Ok(()) => done.store(true, Ordering::Relaxed),
                    Err(error) => not_copied(&error),
                }
            }
        })?;
        Ok(Self { jobs: Cell::new(0), wake, nearly, thread })
    }

    /// Counts the jobs of a commit by the writer, and has the log copied when it is time.
    pub(super) fn written(&self, jobs: usize, writer: &Connection) {
        if self.nearly.swap(false, Ordering::Relaxed)
            && let Err(error) = copy(writer)
        {
            not_copied(&error);
        }
        self.jobs.set(self.jobs.get().saturating_add(jobs));
        // A round that is under way is not asked for another one.
        if self.jobs.get() >= JOBS && self.wake.try_send(()).is_ok() {
            self.jobs.set(0);
        }
    }

    /// Ends the thread after the round that is under way.
    pub(super) fn end(self) {
        let Self { wake, thread, .. } = self;
        drop(wake);
        // It has nothing to say; a panic in it was printed.
        let _ = thread.join();
    }
}

/// Twice, since the second time only what came during the first is left.
fn copy_beside(connection: &mut Option<Connection>, path: &Path) -> rusqlite::Result<()> {
    let on = match connection {
        Some(on) => on,
        None => connection.insert(connect(path)?),
    };
    copy(on)?;
    copy(on)
}

fn copy(on: &Connection) -> rusqlite::Result<()> {
    on.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn not_copied(error: &rusqlite::Error) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the store's log could not be copied into its database; it is tried again when it has grown"
    );
}
