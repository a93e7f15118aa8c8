//! The one thread that writes the spill: takes whatever has queued up, writes it
//! with one flush to the disk, and only then answers each caller.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::files::{Folder, Number};
use crate::telemetry::metrics::meters;

/// The most records that share a flush.
const LARGEST_BATCH: usize = 1024;
/// How long a file becomes before the next one is begun, so that none is large to read.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Why a notification is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The store does not take it: it is applied from the file.
    Apply,
    /// It has been applied, and waits in memory to be judged once more.
    JudgeAgain,
}

/// Why a notification is not kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// No more is kept.
    #[error("the spill has reached spill.max_size")]
    Full,
    /// It cannot be packed.
    #[error("it is too long to be kept")]
    TooLong,
    /// The disk does not take it.
    #[error("the spill cannot be written: {0}")]
    Disk(Arc<io::Error>),
    /// The process ends.
    #[error("the spill is closed")]
    Closed,
}

/// A notification that is on disk until [`Kept::done`].
pub struct Kept(Arc<Group>);

/// A file of notifications that are done one by one.
struct Group {
    number: Number,
    left: AtomicUsize,
    queue: mpsc::Sender<Message>,
}

pub(super) enum Message {
    Keep {
        bytes: Vec<u8>,
        purpose: Purpose,
        reply: oneshot::Sender<Result<Kept, Refused>>,
    },
    /// Asks for the next file to be applied; nothing is added to it any more.
    Take(oneshot::Sender<Option<Number>>),
    Remove(Number),
    /// Takes no more; the folder is free once it is answered.
    Close(oneshot::Sender<()>),
}

impl Kept {
    /// It need not be kept any more. Dropped without this, it stays for the next start.
    pub fn done(self) {
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            // A full queue leaves the file to the next start, which applies it again.
            let _ = self.0.queue.try_send(Message::Remove(self.0.number));
        }
    }
}

/// What the thread owns.
pub(super) struct Writer {
    folder: Arc<Folder>,
    queue: mpsc::WeakSender<Message>,
    most_bytes: u64,
    next: Number,
    /// The file that is written to.
    open: Option<Open>,
    /// Files to be applied.
    ready: VecDeque<Number>,
    /// The length of every file but the open one.
    lengths: BTreeMap<Number, u64>,
}

struct Open {
    number: Number,
    file: File,
    length: u64,
}

type Reply = oneshot::Sender<Result<Kept, Refused>>;

impl Writer {
    pub(super) fn new(
        folder: Arc<Folder>,
        queue: mpsc::WeakSender<Message>,
        most_bytes: u64,
        left: &[(Number, u64)],
    ) -> Self {
        let next = left.last().map_or(1, |(Number(last), _)| last + 1);
        Self {
            folder,
            queue,
            most_bytes,
            next: Number(next),
            open: None,
            ready: left.iter().map(|(number, _)| *number).collect(),
            lengths: left.iter().copied().collect(),
        }
    }

    /// Works until it is closed, or every sender has gone.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        self.measure();
        let mut closed = None;
        while closed.is_none()
            && let Some(message) = queue.blocking_recv()
        {
            let (mut apply, mut judge) = (Vec::new(), Vec::new());
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Keep { bytes, purpose: Purpose::Apply, reply } => {
                        apply.push((bytes, reply));
                    }
                    Message::Keep { bytes, purpose: Purpose::JudgeAgain, reply } => {
                        judge.push((bytes, reply));
                    }
                    Message::Remove(number) => self.remove(number),
                    Message::Take(reply) => {
                        // What was acknowledged before is in a file by then.
                        let _ = reply.send(self.take());
                    }
                    Message::Close(reply) => closed = Some(reply),
                }
                let full = apply.len() + judge.len() >= LARGEST_BATCH;
                next = if full { None } else { queue.try_recv().ok() };
            }
            self.keep(apply, Purpose::Apply);
            self.keep(judge, Purpose::JudgeAgain);
            self.measure();
        }
        self.folder.release();
        if let Some(reply) = closed {
            let _ = reply.send(());
        }
    }

    fn keep(&mut self, batch: Vec<(Vec<u8>, Reply)>, purpose: Purpose) {
        let mut room = self.most_bytes.saturating_sub(self.bytes());
        let (batch, refused): (Vec<_>, Vec<_>) = batch.into_iter().partition(|(bytes, _)| {
            let left = room.checked_sub(bytes.len() as u64);
            room = left.unwrap_or(room);
            left.is_some()
        });
        for (_, reply) in refused {
            let _ = reply.send(Err(Refused::Full));
        }
        if batch.is_empty() {
            return;
        }
        let bytes: Vec<u8> = batch.iter().flat_map(|(bytes, _)| bytes).copied().collect();
        let written = self.write(&bytes, purpose);
        let group = written.map_err(|error| Refused::Disk(Arc::new(error))).and_then(|number| {
            let queue = self.queue.upgrade().ok_or(Refused::Closed)?;
            Ok(Arc::new(Group { number, left: AtomicUsize::new(batch.len()), queue }))
        });
        for (_, reply) in batch {
            // A caller that has gone leaves its record to be applied, which is as well.
            let _ = reply.send(group.clone().map(Kept));
        }
    }

    /// Writes and flushes; the file that has it. After an error nothing of it counts.
    fn write(&mut self, bytes: &[u8], purpose: Purpose) -> io::Result<Number> {
        let mut open = match (purpose, self.open.take()) {
            (Purpose::Apply, Some(open)) if open.length < FILE_BYTES => open,
            (_, open) => {
                if let Some(open) = open {
                    if purpose == Purpose::Apply {
                        self.seal(&open)
                    } else {
                        self.open = Some(open)
                    }
                }
                let number = self.next;
                self.next = Number(number.0 + 1);
                Open { number, file: self.folder.create(number)?, length: 0 }
            }
        };
        let number = open.number;
        let written = open.file.write_all(bytes).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            // What may stand there was not acknowledged; applied, it would do no harm.
            let _ = open.file.set_len(open.length);
            if open.length > 0 {
                self.seal(&open)
            } else {
                drop(self.folder.remove(number))
            }
            return Err(error);
        }
        open.length += bytes.len() as u64;
        match purpose {
            Purpose::Apply => self.open = Some(open),
            Purpose::JudgeAgain => drop(self.lengths.insert(number, open.length)),
        }
        Ok(number)
    }

    fn seal(&mut self, open: &Open) {
        self.lengths.insert(open.number, open.length);
        self.ready.push_back(open.number);
    }

    fn take(&mut self) -> Option<Number> {
        if self.ready.is_empty()
            && let Some(open) = self.open.take()
        {
            self.seal(&open);
        }
        self.ready.pop_front()
    }

    fn remove(&mut self, number: Number) {
        self.lengths.remove(&number);
        if let Err(error) = self.folder.remove(number) {
            tracing::error!(error = %error, "a spill file that was applied could not be removed; it is applied again at the next start");
        }
    }

    fn bytes(&self) -> u64 {
        self.lengths.values().sum::<u64>() + self.open.as_ref().map_or(0, |open| open.length)
    }

    fn measure(&self) {
        meters().spill_bytes.set(self.bytes() as f64);
    }
}
