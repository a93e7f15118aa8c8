//! Three processes over one database, and the load on them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::app::{note_secret, server_key};
use crate::crash::Server;
use crate::faults::load::{Load, Person};
use crate::faults::site::Site;

/// How many people one round has.
pub const PEOPLE: usize = 18;

/// Three replicas, and the configuration of each.
pub struct Three {
    pub site: Arc<Site>,
    pub configs: Vec<PathBuf>,
    pub replicas: Vec<Server>,
    pub load: Arc<Load>,
}

impl Three {
    /// Three that reach the database by the same URL.
    pub async fn start(folder: &Path, url: &str) -> Self {
        Self::by(folder, [url; 3]).await
    }

    /// Three that reach the database each by a URL of its own.
    pub async fn by(folder: &Path, urls: [&str; 3]) -> Self {
        Self::with(folder, urls, [&[], &[], &[]]).await
    }

    /// Three that are given arguments.
    pub async fn with(folder: &Path, urls: [&str; 3], arguments: [&[&str]; 3]) -> Self {
        let (site, configs) = prepared(folder, urls).await;
        let started = configs.iter().zip(arguments);
        let replicas: Vec<_> =
            started.map(|(config, arguments)| Server::start_with(config, arguments)).collect();
        let site = Arc::new(site);
        let load = Load::on(&site, &bases(&replicas));
        Self { site, configs, replicas, load }
    }

    /// Runs people, and returns once a random number of them is through.
    pub async fn under_load(&self) -> tokio::task::JoinSet<()> {
        let mut running = self.load.run(PEOPLE);
        for _ in 0..rand::random_range(1..PEOPLE) {
            running.join_next().await.unwrap().unwrap();
        }
        running
    }

    /// Load on one of them alone.
    pub fn only(&self, replica: usize) -> Arc<Load> {
        Load::on(&self.site, &[&self.replicas[replica].base])
    }

    /// Calls so many people whose press the test brings.
    pub async fn called(&self, people: usize) -> Vec<usize> {
        let mut places = Vec::new();
        for _ in 0..people {
            places.push(self.load.begin(Person::Presses).await.unwrap());
        }
        places
    }

    /// Awaits at a replica that each of the people is confirmed.
    pub async fn confirmed(&self, replica: usize, places: &[usize]) {
        for place in places {
            let id = self.load.known()[*place].id.clone();
            let ended = self.site.ended(&self.replicas[replica].base, &id).await;
            assert_eq!(ended["outcome"], "confirmed", "{ended:#}");
        }
    }

    /// Has each of the people pressed at a replica, which must take that.
    pub async fn pressed_at(&self, replica: usize, places: &[usize]) {
        let at = self.only(replica);
        for place in places {
            let number = self.load.known()[*place].number.clone();
            assert_eq!(at.press(&number).await, Some(200), "a press was not taken");
            self.load.was_pressed(*place);
        }
    }

    /// Whether a replica lives, and whether it takes requests.
    pub async fn health(&self, replica: usize) -> [u16; 2] {
        let base = &self.replicas[replica].base;
        let mut found = [0; 2];
        for (at, path) in ["/healthz", "/readyz"].into_iter().enumerate() {
            found[at] = self.site.get(base, path).await.status.as_u16();
        }
        found
    }
}

/// What stands around the replicas, and the configuration of each.
pub async fn prepared(folder: &Path, urls: [&str; 3]) -> (Site, Vec<PathBuf>) {
    let mut site = Site::new(folder, "[verification]\ndispatch_lease = \"2s\"\n").await;
    let key_file = folder.join("server.key");
    std::fs::write(&key_file, server_key()).unwrap();
    let text = std::fs::read_to_string(&site.config).unwrap();
    let config = |(replica, url): (usize, &str)| {
        let path = folder.join(format!("replica-{replica}.toml"));
        let store = format!("store = \"{url}\"\nsecret_key_file = \"{}\"\n", key_file.display());
        let text = text.replacen("store = \"sqlite://ringproof.db\"\n", &store, 1);
        let spill = spill(folder, replica);
        let text = format!("{text}[spill]\nfolder = \"{}\"\n", spill.display());
        std::fs::write(&path, text).unwrap();
        path
    };
    let configs: Vec<_> = urls.into_iter().enumerate().map(config).collect();
    site.key = key(&configs[0]);
    (site, configs)
}

/// Where a replica spills.
fn spill(folder: &Path, replica: usize) -> PathBuf {
    folder.join(format!("spill-{replica}"))
}

/// How many files a replica has spilled into and not applied.
pub fn spilled(folder: &Path, replica: usize) -> usize {
    let files = std::fs::read_dir(spill(folder, replica)).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "spill")).count()
}

pub fn bases(replicas: &[Server]) -> Vec<&str> {
    replicas.iter().map(|replica| replica.base.as_str()).collect()
}

/// A key that is in the database.
fn key(config: &Path) -> String {
    let mut keys = Command::new(env!("CARGO_BIN_EXE_ringproof"));
    keys.args(["keys", "create", "--app", "shop", "--scope", "start", "--scope", "read"]);
    let made = keys.arg("--config").arg(config).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    note_secret(&key);
    key
}
