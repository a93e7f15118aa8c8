//! Applying what was spilled, before anything expires.
//!
//! One task of the process does it. While it is under way the process lets
//! nothing expire (`Service::is_unsettled`), and says so in the store for the
//! other replicas. A record goes the whole way of a notification that comes now,
//! but for its time of receipt. Records of one number keep their order; the
//! others go side by side, so that they share commits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::record::{self, Contents, Record};
use super::{Number, Spill};
use crate::domain::VerificationId;
use crate::intake::{Answer, Intake, NotTaken, Received, body};
use crate::service::{AccountIndex, RECOVERY_GRACE};
use crate::store::StoreError;
use crate::telemetry;
use crate::zadarma::notification::Notification;

/// How many records are applied side by side.
const AT_ONCE: usize = 256;
/// How often, and how long apart, a record is tried that the store refuses while it takes
/// other writes. Connections may end again and again without the record being to blame.
const MOST_TRIES: u32 = 12;
const TRY_EVERY: Duration = Duration::from_millis(250);

/// What has been taken from the spill and not been applied whole.
#[derive(Default)]
struct Work {
    files: VecDeque<Number>,
    /// Records that would let time pass for an overdue verification: they are
    /// applied when expiry goes on, with the file that has them.
    late: Vec<(Number, Left)>,
}

/// The store has gone away again.
struct Gone;

/// What is left of a file once its records have been tried.
#[derive(Default)]
struct Left {
    late: Vec<Record>,
    /// Something in it could neither be applied nor put aside: the file stays.
    stays: bool,
}

/// What became of one record.
enum Became {
    Applied,
    /// It would let time pass while expiry rests.
    Late(Record),
    /// It can never be applied, for this reason.
    Impossible(Record, String),
    Gone,
}

impl Intake {
    /// Settles after each absence of the store, and at the start whatever an
    /// earlier process left behind. Never returns.
    pub async fn keep_settled(self: &Arc<Self>) {
        let mut work = Work::default();
        loop {
            let is_idle = work.files.is_empty() && !self.service.is_unsettled();
            if is_idle {
                let until = if work.late.is_empty() { None } else { self.rests_until().await };
                tokio::select! {
                    () = self.service.unsettled() => {}
                    () = self.spill.waiting() => {}
                    () = self.service.clock().sleep_until(until.unwrap_or(Timestamp::MAX)),
                        if !work.late.is_empty() => {}
                }
            }
            // An error was noted where it was met, and the store is waited for again.
            let _ = self.work_off(&mut work).await;
        }
    }

    async fn rests_until(&self) -> Option<Timestamp> {
        let now = self.service.clock().now();
        // Without an answer it is looked at again after the grace.
        self.service.expiry_rests().await.unwrap_or(Some(now + RECOVERY_GRACE)).or(Some(now))
    }

    async fn work_off(self: &Arc<Self>, work: &mut Work) -> Result<(), Gone> {
        let unsettled = self.service.is_unsettled();
        if unsettled {
            self.service.store_back().await;
        }
        let mut applied = 0;
        loop {
            if work.files.is_empty() {
                work.files.extend(self.spill.take().await);
            }
            let Some(number) = work.files.front().copied() else { break };
            let (count, left) = self.apply_file(number).await?;
            applied += count;
            work.files.pop_front();
            self.finish(work, number, left).await;
        }
        if applied > 0 {
            tracing::info!(notifications = applied, "applied {applied} spilled notifications");
        }
        if unsettled {
            // From here on the grace counts.
            self.told(self.service.rest_expiry().await)?;
            self.service.settled();
        }
        self.settle_late(work).await
    }

    /// Applies what is late, once expiry goes on.
    async fn settle_late(self: &Arc<Self>, work: &mut Work) -> Result<(), Gone> {
        if work.late.is_empty() || self.told(self.service.expiry_rests().await)?.is_some() {
            return Ok(());
        }
        let mut due = VecDeque::from(std::mem::take(&mut work.late));
        while let Some((number, before)) = due.pop_front() {
            match self.apply_all(number, before.late).await {
                Ok(mut left) => {
                    left.stays |= before.stays;
                    self.finish(work, number, left).await;
                }
                Err(Gone) => {
                    // Their files are applied again.
                    work.files.push_back(number);
                    work.files.extend(due.into_iter().map(|(number, _)| number));
                    return Err(Gone);
                }
            }
        }
        Ok(())
    }

    async fn finish(&self, work: &mut Work, number: Number, left: Left) {
        if !left.late.is_empty() {
            work.late.push((number, left));
        } else if !left.stays {
            self.spill.remove(number).await;
        }
    }

    /// Applies a file; how many records, and what is left.
    async fn apply_file(self: &Arc<Self>, number: Number) -> Result<(usize, Left), Gone> {
        let contents = match self.spill.read(number).await {
            Ok(contents) => contents,
            Err(error) => {
                telemetry::alarm(
                    "spill_damaged",
                    format!("a spill file cannot be read and stays where it is: {error}"),
                );
                return Ok((0, Left { stays: true, ..Left::default() }));
            }
        };
        if !contents.records.is_empty() {
            self.learn_clocks().await;
        }
        let count = contents.records.len();
        Ok((count, self.apply_all(number, contents.records).await?))
    }

    /// Without the provider's clock no result can be believed. A provider that does
    /// not tell it is waited for by each result in its own turn.
    async fn learn_clocks(&self) {
        let until = self.service.clock().now() + RECOVERY_GRACE;
        for account in self.service.accounts() {
            if !account.facts().offsets.are_known() {
                tokio::select! {
                    () = account.known() => {}
                    () = self.service.clock().sleep_until(until) => {}
                }
            }
        }
    }

    /// Applies records, those of one verification in order.
    async fn apply_all(
        self: &Arc<Self>,
        number: Number,
        mut records: Vec<Record>,
    ) -> Result<Left, Gone> {
        let mut left = Left::default();
        while !records.is_empty() {
            if self.service.is_unsettled() {
                self.told(self.service.rest_expiry().await)?;
            }
            let rest = records.split_off(records.len().min(AT_ONCE));
            let lines = self.lines(std::mem::replace(&mut records, rest)).await;
            let became = join_all(lines.into_iter().map(|line| self.apply_line(line))).await;
            for became in became.into_iter().flatten() {
                match became {
                    Became::Applied => {}
                    Became::Late(record) => left.late.push(record),
                    Became::Impossible(record, why) => {
                        left.stays |= !self.set_aside(number, &record, &why).await;
                    }
                    Became::Gone => return Err(Gone),
                }
            }
        }
        Ok(left)
    }

    /// Records in lines, each to be applied one after the other: those of one verification.
    async fn lines(&self, records: Vec<Record>) -> Vec<Vec<Record>> {
        let mut alone = Vec::new();
        let mut lines: BTreeMap<VerificationId, Vec<Record>> = BTreeMap::new();
        for record in records {
            match self.verification_of(&record).await {
                Some(id) => lines.entry(id).or_default().push(record),
                None => alone.push(vec![record]),
            }
        }
        alone.extend(lines.into_values());
        alone
    }

    async fn verification_of(&self, record: &Record) -> Option<VerificationId> {
        let index = self.index_of(&record.account)?;
        let received = record.clone().into_received(index);
        let decoded = body::decode(&received).await.ok()?;
        let policy = &self.policies[usize::from(index.0)];
        let signature = received.signature.as_deref();
        match decoded.authenticate(signature, &policy.secrets).ok()?.interpret() {
            Notification::Call(call) => self.claimant(index, call.number).await,
            Notification::Other { .. } => None,
        }
    }

    async fn apply_line(self: &Arc<Self>, line: Vec<Record>) -> Vec<Became> {
        let mut became = Vec::with_capacity(line.len());
        for record in line {
            became.push(self.apply(record).await);
        }
        became
    }

    async fn apply(self: &Arc<Self>, record: Record) -> Became {
        let Some(index) = self.index_of(&record.account) else {
            return Became::Impossible(record, "its account is not configured any more".into());
        };
        let received: Arc<Received> = Arc::new(record.clone().into_received(index));
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match Arc::clone(self).judge_now(Arc::clone(&received)).await {
                Ok(Answer::Acknowledged) => return Became::Applied,
                Ok(
                    Answer::ForbiddenSource
                    | Answer::Unauthentic
                    | Answer::TooManyRefused
                    | Answer::StoreUnavailable,
                ) => {
                    let why = "it does not pass under the configuration of now";
                    return Became::Impossible(record, why.into());
                }
                Err(NotTaken::Resting) => return Became::Late(record),
                Err(NotTaken::Store(error)) => error,
            };
            match error {
                StoreError::Unreadable { .. } => {
                    return Became::Impossible(record, error.to_string());
                }
                StoreError::Unavailable { .. } if self.service.has_room().await.is_err() => {
                    self.service.store_lost();
                    return Became::Gone;
                }
                StoreError::Unavailable { source } if tries == MOST_TRIES => {
                    return Became::Impossible(record, source.to_string());
                }
                StoreError::Unavailable { .. } => tokio::time::sleep(TRY_EVERY).await,
            }
        }
    }

    /// Puts a record aside for a person; whether that is on disk.
    async fn set_aside(&self, number: Number, record: &Record, why: &str) -> bool {
        let bytes = record.encode().unwrap_or_default();
        let put = self.spill.set_aside(number, "refused", bytes).await;
        let said = match &put {
            Ok(path) => format!("it is kept in {path}"),
            Err(error) => format!("it stays in its file, since it cannot be put aside: {error}"),
        };
        telemetry::alarm(
            "spill_refused",
            format!("a spilled notification cannot be applied ({why}); {said}"),
        );
        put.is_ok()
    }

    fn index_of(&self, account: &str) -> Option<AccountIndex> {
        let found = self.policies.iter().position(|policy| policy.account.as_str() == account);
        u16::try_from(found?).ok().map(AccountIndex)
    }

    fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, Gone> {
        answer.map_err(|error| {
            tracing::error!(error = %error, "the store went away while spilled notifications were applied");
            self.service.store_lost();
            Gone
        })
    }
}

impl Spill {
    /// Reads a file; what of it is damaged is put aside and said.
    async fn read(&self, number: Number) -> std::io::Result<Contents> {
        let folder = Arc::clone(&self.folder);
        let reading = tokio::task::spawn_blocking(move || {
            let bytes = folder.read(number)?;
            let contents = record::read_all(&bytes);
            if contents.damaged.is_empty() {
                return Ok(contents);
            }
            let damaged: Vec<u8> =
                contents.damaged.iter().flat_map(|part| &bytes[part.clone()]).copied().collect();
            let path = folder.set_aside(number, "damaged", &damaged)?;
            say_damaged(&contents, damaged.len(), &path.display().to_string());
            Ok(contents)
        });
        reading.await.map_err(std::io::Error::other)?
    }

    /// Puts bytes aside; where.
    async fn set_aside(
        &self,
        number: Number,
        what: &'static str,
        bytes: Vec<u8>,
    ) -> std::io::Result<String> {
        let folder = Arc::clone(&self.folder);
        let writing = tokio::task::spawn_blocking(move || folder.set_aside(number, what, &bytes));
        Ok(writing.await.map_err(std::io::Error::other)??.display().to_string())
    }
}

fn say_damaged(contents: &Contents, bytes: usize, path: &str) {
    let why = if contents.ends_torn {
        "its last record is cut short, as by a process that was killed while it wrote, and was then not acknowledged"
    } else {
        "acknowledged notifications may be lost; check that disk"
    };
    telemetry::alarm(
        "spill_damaged",
        format!(
            "{bytes} bytes of a spill file cannot be read ({why}); they are kept in {path}, and {} records beside them are applied",
            contents.records.len(),
        ),
    );
}
