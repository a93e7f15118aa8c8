//! The server under test: a fresh folder, an account of its own, verifications
//! that are really pending, and the simulator as its provider.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use rand::seq::SliceRandom;
use ringproof::clock::Clock;
use ringproof::config::StoreUrl;
use ringproof::domain::{Name, Secret as Password, Status, Timing, Verification};
use ringproof::store::{self, Browse, Store, StoreKey};
use ringproof::zadarma::Secret;

use super::calls::{APP, Call};
use super::http::{self, Requests};
use super::process::Process;
use super::server_key;

/// Verifications stored in one transaction.
const BATCH: u64 = 20_000;
/// Calls end out of order, but a late one not before those begun long after it.
const OUT_OF_ORDER: usize = 10_000;
/// The number of tests that starts are for.
const TEST_NUMBER: u64 = 380_990_000_001;
/// Where a replica over PostgreSQL spills.
const SPILL: &str = "replica-spill";
/// Verifications in one page of a search.
const PAGE: u16 = 10_000;

/// Makes what is pending.
type Seed = fn(Call, Timestamp) -> Verification;

/// Where verifications are kept.
pub enum Place {
    /// In a file of SQLite's in the folder.
    File,
    /// In a database of PostgreSQL's, by its URL.
    Database(String),
}

/// A folder with a configuration, a key and a store, not served at present.
pub struct Prepared {
    binary: PathBuf,
    folder: tempfile::TempDir,
    place: Place,
    secret: Secret,
    token: String,
    /// More of the configuration.
    more: String,
    key: String,
    /// What codes are made with, once something is pending.
    store_key: Option<StoreKey>,
    /// When the calls began.
    began: Timestamp,
    /// How many are pending, beside the one that finds out when all is ready.
    pending: u64,
}

/// A running server.
pub struct Served {
    pub server: Process,
    pub address: SocketAddr,
    pub simulator: Process,
}

impl Prepared {
    /// A fresh folder with so many pending button calls.
    pub fn new(binary: &Path, pending: u64) -> Result<Self> {
        Self::over(binary, pending, Place::File)
    }

    /// The same, kept there.
    pub fn over(binary: &Path, pending: u64, place: Place) -> Result<Self> {
        Self::seeded(binary, pending, place, Call::verification, String::new())
    }

    /// A fresh folder with nothing pending and more in its configuration.
    pub fn configured(binary: &Path, more: String) -> Result<Self> {
        Self::seeded(binary, 0, Place::File, Call::verification, more)
    }

    /// A fresh folder with so many codes sent by SMS and not yet checked.
    pub fn coded(binary: &Path, pending: u64) -> Result<Self> {
        Self::coded_over(binary, pending, Place::File)
    }

    /// The same, kept there.
    pub fn coded_over(binary: &Path, pending: u64, place: Place) -> Result<Self> {
        Self::seeded(binary, pending, place, Call::coded, String::new())
    }

    fn seeded(binary: &Path, pending: u64, place: Place, of: Seed, more: String) -> Result<Self> {
        let folder = tempfile::tempdir().context("while making a folder")?;
        let mut prepared = Self {
            binary: binary.to_owned(),
            folder,
            place,
            secret: Secret::new(random()),
            token: random(),
            more,
            key: String::new(),
            store_key: None,
            began: Clock::real().now(),
            pending,
        };
        if let Place::Database(_) = prepared.place {
            // SQLite's is made by the first start.
            fs::write(prepared.secret_key(), random() + &random())
                .context("while writing the server key")?;
            fs::set_permissions(prepared.secret_key(), Permissions::from_mode(0o600))?;
        }
        prepared.write_configuration("http://127.0.0.1:9")?;
        prepared.key = prepared.make_key()?;
        if pending > 0 {
            prepared.store_key = Some(prepared.seed(of)?);
        }
        Ok(prepared)
    }

    /// The same folder with no verification and no store yet.
    pub fn empty(binary: &Path) -> Result<Self> {
        let prepared = Self::new(binary, 0)?;
        for name in fs::read_dir(prepared.folder.path())?.flatten() {
            if name.file_name().to_string_lossy().starts_with("ringproof.db") {
                fs::remove_file(name.path())?;
            }
        }
        Ok(prepared)
    }

    fn write_configuration(&self, simulator: &str) -> Result<()> {
        let folder = self.folder.path().display();
        let store = match &self.place {
            Place::File => "store = \"sqlite://ringproof.db\"\n".to_owned(),
            Place::Database(url) => format!(
                "store = \"{url}\"\nsecret_key_file = \"{folder}/ringproof.db.key\"\n\
                 [spill]\nfolder = \"{folder}/{SPILL}\"\n"
            ),
        };
        let text = format!(
            "{store}\
             [server]\nmax_waits = 20000\nmax_waits_per_key = 20000\nrequests_per_key = 0\n\
             requests_per_address = 0\n\
             [verification]\nresult_window = \"1h\"\ncall_lost_after = \"1h\"\n\
             [accounts.main]\nbase_url = \"{simulator}\"\nkey = \"bench\"\nsecret = \"{}\"\n\
             notification_token = \"{}\"\nsource_addresses = [\"127.0.0.0/8\"]\n\
             [test_numbers.{TEST_NUMBER}]\ncode = \"482913\"\n{}",
            self.secret.expose(),
            self.token,
            self.more,
        );
        fs::write(self.configuration(), text).context("while writing the configuration")
    }

    fn secret_key(&self) -> PathBuf {
        self.folder.path().join("ringproof.db.key")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("ringproof.toml")
    }

    fn make_key(&self) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(["keys", "create", "--test", "--app", APP, "--config"])
            .arg(self.configuration())
            .output()
            .context("while making a key")?;
        let key = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(key.contains('.'), "no key was made: {}", String::from_utf8_lossy(&output.stderr));
        Ok(key)
    }

    fn seed(&self, of: Seed) -> Result<StoreKey> {
        runtime()?.block_on(async {
            let store = self.open().await?;
            for first in (0..=self.pending).step_by(usize::try_from(BATCH)?) {
                let calls = (first..(first + BATCH).min(self.pending + 1)).map(Call::new);
                // The first is always a button call, which shows when all is ready.
                let rows = calls.map(|call| {
                    let of = if call == Call::new(0) { Call::verification } else { of };
                    let verification = of(call, self.began);
                    let claims = verification.codes.is_none().then(|| call.claims());
                    (verification, claims.unwrap_or_default())
                });
                store.seed(rows.collect()).await.context("while seeding")?;
            }
            let key = store.key().clone();
            store.close().await;
            Ok(key)
        })
    }

    async fn open(&self) -> Result<Store> {
        let hour = SignedDuration::from_hours(1);
        let timing = Timing { result_window: hour, call_lost_after: hour, ..Timing::default() };
        let url = match &self.place {
            Place::File => StoreUrl::Sqlite(self.folder.path().join("ringproof.db")),
            Place::Database(url) => StoreUrl::Postgres(Password::new(url.clone())),
        };
        let keys = server_key::read(&self.secret_key())?;
        let settings = store::Settings { timing, ..store::Settings::of(url, keys) };
        store::open(settings).await.context("while opening the store")
    }

    /// A provider for the server; a new one for each start, since it keeps the
    /// real one's limit of requests.
    pub fn simulate(&self) -> Result<Process> {
        let arguments =
            ["simulate", "--instant", "--key", "bench", "--secret", self.secret.expose()];
        let log = self.folder.path().join("simulator.log");
        let mut simulator = Process::spawn(&self.binary, arguments, &log)?;
        self.write_configuration(&format!("http://{}", simulator.address()?))?;
        Ok(simulator)
    }

    /// Starts the server and does not wait for it.
    pub fn spawn(&self, listen: &str) -> Result<Process> {
        let configuration = self.configuration();
        let path = configuration.to_string_lossy();
        let arguments = ["serve", "--listen", listen, "--config", &path];
        Process::spawn(&self.binary, arguments, &self.folder.path().join("server.log"))
    }

    /// Starts one more over the same store, with a spill of its own.
    pub fn spawn_beside(&self, number: usize) -> Result<Process> {
        let folder = self.folder.path();
        let [configuration, log] =
            ["toml", "log"].map(|kind| folder.join(format!("replica-{number}.{kind}")));
        let text = fs::read_to_string(self.configuration())?;
        let text = text.replace(SPILL, &format!("{SPILL}-{number}"));
        fs::write(&configuration, text).context("while writing a configuration")?;
        let path = configuration.to_string_lossy();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", &path];
        Process::spawn(&self.binary, arguments, &log)
    }

    /// Starts the server, and waits until notifications verify.
    pub fn serve(&self) -> Result<Served> {
        let simulator = self.simulate()?;
        let mut server = self.spawn("127.0.0.1:0")?;
        let address = server.address()?;
        if self.pending > 0 {
            let probe = Call::new(0);
            http::exchange(address, &self.notification(probe))?;
            let answer = http::exchange(address, &self.poll(probe))?;
            if !is_verified(&answer) {
                bail!(
                    "the first verification is not verified: {}",
                    String::from_utf8_lossy(&answer)
                );
            }
        }
        // What is done once after a start has been done by then.
        std::thread::sleep(Duration::from_millis(500));
        Ok(Served { server, address, simulator })
    }

    /// The request that ends a call.
    pub fn notification(&self, call: Call) -> Vec<u8> {
        http::notification(&self.token, &call.notification(&self.secret, self.began))
    }

    /// The right codes of all that wait for one, in the order of the starts.
    pub fn checks(&self) -> Result<Requests> {
        let key = self.store_key.as_ref().context("nothing is pending")?;
        let mut requests = Requests::default();
        for call in (1..=self.pending).map(Call::new) {
            let path = format!("/v1/verifications/{}/check", call.id(self.began));
            let code = call.code(key, self.began);
            let body = format!("{{\"code\":\"{}\"}}", code.expose());
            requests.push(&http::post(&path, &self.key, &body));
        }
        Ok(requests)
    }

    /// Starts of codes by SMS to a number that no provider is asked for.
    pub fn starts(&self, count: u64) -> Requests {
        let body = format!("{{\"to\":\"+{TEST_NUMBER}\",\"channel\":\"sms\"}}");
        self.starts_of((0..count).map(|_| body.clone()))
    }

    /// Starts with these bodies.
    pub fn starts_of(&self, bodies: impl Iterator<Item = String>) -> Requests {
        let mut requests = Requests::default();
        bodies.for_each(|body| requests.push(&http::post("/v1/verifications", &self.key, &body)));
        requests
    }

    /// Polls for one after the other of those that are pending, so many in all.
    pub fn shows(&self, count: u64) -> Requests {
        let mut requests = Requests::default();
        for index in 0..count {
            let id = Call::new(1 + index % self.pending).id(self.began);
            requests.push(&http::poll(&format!("/v1/verifications/{id}"), &self.key));
        }
        requests
    }

    /// A long poll for a verification.
    pub fn poll(&self, call: Call) -> Vec<u8> {
        http::poll(&format!("/v1/verifications/{}?wait=60", call.id(self.began)), &self.key)
    }

    /// The notifications of all pending calls, in the order in which they end.
    pub fn notifications(&self) -> Requests {
        self.notifications_of(1..=self.pending)
    }

    /// The same of some of them.
    pub fn notifications_of(&self, calls: RangeInclusive<u64>) -> Requests {
        let mut calls: Vec<_> = calls.map(Call::new).collect();
        calls.chunks_mut(OUT_OF_ORDER).for_each(|chunk| chunk.shuffle(&mut rand::rng()));
        let mut requests = Requests::default();
        calls.into_iter().for_each(|call| requests.push(&self.notification(call)));
        requests
    }

    /// How many verifications the store holds as verified, beside the first,
    /// now that its server has been killed.
    pub fn verified(&self) -> Result<usize> {
        runtime()?.block_on(async {
            let store = self.open().await?;
            let mut search = Browse {
                app: Some(Name::parse(APP)?),
                to: None,
                reference: None,
                status: Some(Status::Verified),
                outcome: None,
                channel: None,
                created_from: None,
                created_until: None,
                before: None,
                limit: PAGE,
                look_at: u32::MAX,
            };
            let mut verified = 0;
            loop {
                let page = store.browse(search.clone()).await.context("while searching")?;
                let page = page.verifications;
                verified += page.len();
                match page.last() {
                    Some(last) if page.len() == usize::from(PAGE) => search.before = Some(last.id),
                    _ => break,
                }
            }
            store.close().await;
            Ok(verified.saturating_sub(1))
        })
    }

    /// Fails unless exactly the acknowledged verifications are verified.
    pub fn check_verified(&self, acknowledged: usize) -> Result<()> {
        let verified = self.verified()?;
        ensure!(
            verified == acknowledged,
            "{acknowledged} notifications were acknowledged, {verified} verifications are verified"
        );
        Ok(())
    }
}

/// Whether an answer shows a verification as verified.
pub fn is_verified(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    text.contains("\"status\":\"verified\"") || text.contains("\"status\": \"verified\"")
}

pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("while making a runtime")
}

pub fn random() -> String {
    const_hex::encode(rand::random::<[u8; 16]>())
}
