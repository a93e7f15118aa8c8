//! Search on PostgreSQL over many verifications: how long each kind takes that the API
//! offers, asked through the store's port.
//!
//! `cargo bench --bench search`, or `--help` for more. It starts a PostgreSQL of its own, as
//! the tests do, and fills it within the server, untimed: rows as verifications leave them,
//! whose packed records are copies of one.

#[path = "load/calls.rs"]
#[expect(dead_code, reason = "what only the load program asks of a call")]
mod calls;
#[path = "load/figures.rs"]
#[expect(dead_code, reason = "what only the load program writes")]
mod figures;
#[path = "../src/store/tests/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the server of the tests, which may panic")]
mod server;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use jiff::{SignedDuration, Timestamp};
use ringproof::clock::Clock;
use ringproof::config::StoreUrl;
use ringproof::domain::{Channel, Name, Outcome, Secret, Status, VerificationId};
use ringproof::service::LOOK_AT;
use ringproof::store::{self, Browse, ServerKeys, Settings, Store};

use calls::{APP, Call};
use figures::{milliseconds, percentile};
use server::Server;

/// The goal for each kind, in milliseconds.
const GOAL_MS: f64 = 50.0;
/// A page as the API gives it by default.
const PAGE: u16 = 50;
/// The days over which they are spread.
const DAYS: i64 = 28;
/// Memory that a small server would have.
const SETTINGS: &str = "-c fsync=off -c shared_buffers=512MB -c max_wal_size=4GB";

/// Copies the one that there is, to other numbers. Nine in ten are of its app; of a hundred thousand one ended as
/// a rare outcome (13: not me), of a hundred one is a code by SMS; the last hundred are pending.
const FILL: &str = "\
    WITH one AS MATERIALIZED (SELECT * FROM verifications), \
    made AS (SELECT i, now_ms - span_ms + (span_ms * i / total) AS ms FROM \
    (SELECT TOTAL::int8 AS total, NOW::int8 AS now_ms, SPAN::int8 AS span_ms) AS all_rows, \
    generate_series(1, total) AS i) \
    INSERT INTO verifications (id, version, app, to_number, reference, status, outcome, \
    created_at, due_at, channels, record) \
    SELECT overlay(overlay(overlay(md5(i::text) PLACING lpad(to_hex(ms), 12, '0') FROM 1) \
    PLACING '7' FROM 13) PLACING 'a' FROM 17)::uuid, 3, \
    CASE WHEN i % 10 = 0 THEN 'shop' ELSE one.app END, \
    hashint8extended(i, 0), convert_to('order-' || i, 'UTF8'), \
    CASE WHEN i > TOTAL - 100 THEN 0 WHEN i % 100000 = 7 OR i % 4 = 0 THEN 2 ELSE 1 END, \
    CASE WHEN i > TOTAL - 100 THEN NULL WHEN i % 100000 = 7 THEN 13 \
    WHEN i % 4 = 0 THEN 3 ELSE 0 END, \
    ms * 1000000, NULL, CASE WHEN i % 100 = 3 THEN 4 ELSE one.channels END, one.record \
    FROM made, one";

/// Measures search over many verifications.
#[derive(Parser)]
#[command(name = "search")]
struct Options {
    /// How many verifications there are
    #[arg(long, default_value_t = 10_000_000)]
    verifications: u64,
    /// How often each kind of search is asked
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Print the plan of each statement that the server ran for longer than this many
    /// milliseconds
    #[arg(long, value_name = "MS")]
    explain: Option<u32>,
    /// Given by `cargo bench`
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

/// Makes the search of a round.
type Ask = fn(Browse, &Filled, u64) -> Browse;

/// What there is to be found.
struct Filled {
    total: u64,
    began: Timestamp,
}

/// Every kind, with what must come of it on a full page.
const KINDS: [(&str, Ask); 15] = [
    ("newest", |search, _, _| search),
    ("by number", |search, filled, round| {
        let to = Call::new(1 + round).verification(filled.began).to;
        Browse { to: Some(to), ..search }
    }),
    ("by reference", |search, filled, round| Browse {
        reference: Some(format!("order-{}", filled.one(round))),
        ..search
    }),
    ("by status: verified", |search, _, _| of_status(search, Status::Verified)),
    ("by status: pending (few)", |search, _, _| of_status(search, Status::Pending)),
    ("by outcome: no_answer", |search, _, _| of_outcome(search, Outcome::NoAnswer)),
    ("by outcome: not_me (1 in 100,000)", |search, _, _| of_outcome(search, Outcome::NotMe)),
    ("by outcome: rejected (none)", |search, _, _| of_outcome(search, Outcome::Rejected)),
    ("by outcome and channel (none)", |search, _, _| Browse {
        channel: Some(Channel::Sms),
        ..of_outcome(search, Outcome::NoAnswer)
    }),
    ("by channel: email (none)", |search, _, _| Browse { channel: Some(Channel::Email), ..search }),
    ("by channel: sms (1 in 100)", |search, _, _| Browse { channel: Some(Channel::Sms), ..search }),
    ("by time: an hour", |search, filled, round| Browse {
        created_from: Some(filled.at(round)),
        created_until: Some(filled.at(round) + SignedDuration::from_hours(1)),
        ..search
    }),
    ("by time and outcome", |search, filled, round| Browse {
        created_from: Some(filled.at(round)),
        created_until: Some(filled.at(round) + SignedDuration::from_hours(1)),
        outcome: Some(Outcome::NoAnswer),
        ..search
    }),
    ("a page in the depth", |search, filled, round| Browse {
        before: Some(first_id(filled.at(round))),
        ..search
    }),
    ("a page in the depth, by outcome", |search, filled, round| Browse {
        before: Some(first_id(filled.at(round))),
        outcome: Some(Outcome::NoAnswer),
        ..search
    }),
];

impl Filled {
    /// One of the app's, scattered; the tenth is another app's.
    const fn one(&self, round: u64) -> u64 {
        let one = 1 + round * 7_919_999 % self.total;
        if one.is_multiple_of(10) { one - 1 } else { one }
    }

    /// When that one was started.
    fn at(&self, round: u64) -> Timestamp {
        let hours = round * 7_919 % (DAYS.unsigned_abs() * 24);
        self.began + SignedDuration::from_hours(i64::try_from(hours).unwrap_or(0))
    }
}

fn of_status(search: Browse, status: Status) -> Browse {
    Browse { status: Some(status), ..search }
}

fn of_outcome(search: Browse, outcome: Outcome) -> Browse {
    Browse { outcome: Some(outcome), ..search }
}

/// Before all that begin then or later.
fn first_id(at: Timestamp) -> VerificationId {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    VerificationId::new(
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid(),
    )
}

fn main() -> Result<()> {
    let options = Options::parse();
    let server = Server::start_with(SETTINGS);
    let url = server.new_database();
    let database = Server::database(&url);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let settings =
            Settings::of(StoreUrl::Postgres(Secret::new(url.clone())), ServerKeys::one([7; 32]));
        let store = store::open(settings.clone()).await.context("while opening the store")?;
        let filled = fill(&store, &server, database, &options).await?;
        if let Some(least) = options.explain {
            let settings = format!(
                "ALTER SYSTEM SET session_preload_libraries = 'auto_explain'; \
                 ALTER SYSTEM SET auto_explain.log_min_duration = {least}; \
                 ALTER SYSTEM SET auto_explain.log_analyze = on"
            );
            for setting in settings.split("; ") {
                server.execute(database, setting);
            }
            server.execute(database, "SELECT pg_reload_conf()");
        }
        // Connections of their own, which know the rows' statistics and the settings.
        store.close().await;
        let store = store::open(settings).await;
        let missed = measure(&store.context("while opening it again")?, &filled, &options).await?;
        if options.explain.is_some() {
            println!("{}", server.execute(database, "SELECT pg_read_file('../log.txt')"));
        }
        ensure!(missed == 0, "{missed} kinds of search miss the goal of {GOAL_MS} ms");
        Ok(())
    })
}

async fn fill(store: &Store, server: &Server, database: &str, options: &Options) -> Result<Filled> {
    let (total, rounds) = (options.verifications, options.rounds);
    let now = Clock::real().now();
    let began = now - SignedDuration::from_hours(24 * DAYS);
    store.seed(vec![(Call::new(0).verification(began), Vec::new())]).await?;
    let filling = Instant::now();
    let span = now.as_millisecond() - began.as_millisecond();
    let sql = FILL
        .replace("TOTAL", &total.to_string())
        .replace("NOW", &now.as_millisecond().to_string())
        .replace("SPAN", &span.to_string());
    server.execute(database, &sql);
    // Those whose numbers are searched for: only the store knows what it finds them by.
    let numbered = (1..=rounds).map(|index| (Call::new(index).verification(began), Vec::new()));
    store.seed(numbered.collect()).await?;
    server.execute(database, "VACUUM ANALYZE verifications");
    let size = "SELECT pg_size_pretty(pg_total_relation_size('verifications')) || ', indexes ' || \
                pg_size_pretty(pg_indexes_size('verifications'))";
    let size = server.execute(database, size);
    println!("{total} verifications made in {:.0?}: {size}", filling.elapsed());
    Ok(Filled { total, began })
}

/// How many kinds miss the goal.
async fn measure(store: &Store, filled: &Filled, options: &Options) -> Result<usize> {
    let mut missed = 0;
    println!("| search | p50 ms | p99 ms | rows | verdict |\n|---|---|---|---|---|");
    for (kind, ask) in KINDS {
        let (mut took, mut rows, mut goes_on) = (Vec::new(), 0, false);
        for round in 0..options.rounds {
            let search = ask(everything()?, filled, round);
            let began = Instant::now();
            let page = store.browse(search).await;
            let page = page.with_context(|| format!("while searching {kind}"))?;
            rows += page.verifications.len();
            goes_on |= page.looked_until.is_some();
            took.push(began.elapsed());
        }
        ensure!(rows > 0 || goes_on, "nothing was found {kind}, so nothing was measured");
        let [median, last]: [Duration; 2] = [0.5, 0.99].map(|share| percentile(&took, share));
        let is_met = milliseconds(last) < GOAL_MS;
        missed += usize::from(!is_met);
        println!(
            "| {kind} | {:.2} | {:.2} | {:.1} | {} |",
            milliseconds(median),
            milliseconds(last),
            rows as f64 / options.rounds as f64,
            if is_met { "met" } else { "**not met**" },
        );
    }
    Ok(missed)
}

fn everything() -> Result<Browse> {
    Ok(Browse {
        app: Some(Name::parse(APP)?),
        to: None,
        reference: None,
        status: None,
        outcome: None,
        channel: None,
        created_from: None,
        created_until: None,
        before: None,
        limit: PAGE,
        look_at: LOOK_AT,
    })
}
