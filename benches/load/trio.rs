//! Three servers over one PostgreSQL, which is started for them, and the simulator as their
//! provider.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use ringproof::app;
use ringproof::zadarma::Secret;

use super::calls::{APP, Call};
use super::http;
use super::process::Process;
use super::server::Server as Database;
use super::subject::random;

/// What runs. Fields end in their order.
pub struct Trio {
    addresses: Vec<SocketAddr>,
    key: String,
    secret: Secret,
    token: String,
    _servers: Vec<Process>,
    _simulator: Process,
    _database: Database,
    _folder: tempfile::TempDir,
}

impl Trio {
    /// Three servers that serve. Phones do nothing by themselves.
    pub fn start(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("while making a folder")?;
        let at = folder.path();
        let (secret, token) = (Secret::new(random()), random());
        let database = Database::start();
        fs::write(at.join("server.key"), random() + &random())?;
        let arguments = ["simulate", "--instant", "--key", "bench", "--secret", secret.expose()];
        let mut simulator = Process::spawn(binary, arguments, &at.join("simulator.log"))?;
        let provider = simulator.address()?;
        let quiet = "{\"rate_limit_mode\":\"off\",\"rate_limit\":1000000,\
                     \"default_script\":{\"notify\":\"never\"}}";
        http::exchange(provider, &put("/_simulator/settings", quiet))?;
        let url = database.new_database();
        let prompts = app::shipped_prompts();
        let sounds = &prompts["default"].languages["en"];
        let configuration = |replica: usize| -> Result<PathBuf> {
            let path = at.join(format!("replica-{replica}.toml"));
            let text = format!(
                "store = \"{url}\"\nsecret_key_file = \"{at}/server.key\"\n\
                 [spill]\nfolder = \"{at}/spill-{replica}\"\n\
                 [accounts.main]\nbase_url = \"http://{provider}\"\nkey = \"bench\"\n\
                 secret = \"{}\"\nnotification_token = \"{token}\"\n\
                 source_addresses = [\"127.0.0.0/8\"]\nrequests_per_minute = 1000\n\
                 [prompts.default.en]\ngreeting = \"{}\"\nconfirmed = \"{}\"\nfallback = \"{}\"\npress = \"1\"\n",
                secret.expose(),
                sounds.greeting,
                sounds.confirmed,
                sounds.fallback,
                at = at.display(),
            );
            fs::write(&path, text).context("while writing a configuration")?;
            Ok(path)
        };
        let configurations = (0..3).map(configuration).collect::<Result<Vec<_>>>()?;
        let key = make_key(binary, &configurations[0])?;
        let (mut servers, mut addresses) = (Vec::new(), Vec::new());
        for path in &configurations {
            let arguments = ["serve", "--listen", "127.0.0.1:0", "--config"];
            let arguments = arguments.iter().map(Path::new).chain([path.as_path()]);
            let mut server = Process::spawn(binary, arguments, &path.with_extension("log"))?;
            addresses.push(server.address()?);
            servers.push(server);
        }
        Ok(Self {
            addresses,
            key,
            secret,
            token,
            _servers: servers,
            _simulator: simulator,
            _database: database,
            _folder: folder,
        })
    }

    /// Starts a call on a replica; its id.
    pub fn begin(&self, replica: usize, call: Call) -> Result<String> {
        let body = format!("{{\"to\":\"{}\"}}", call.to());
        let start = http::post("/v1/verifications", &self.key, &body);
        let (text, _) = self.until(replica, &start, "\"wait_token\"")?;
        let id = text.split('"').find(|part| part.starts_with("ver_"));
        Ok(id.with_context(|| format!("no start: {text}"))?.to_owned())
    }

    /// Tells a replica that the key of a call was pressed; when that was sent.
    pub fn press(&self, replica: usize, call: Call, at: Timestamp) -> Result<Instant> {
        let told = http::notification(&self.token, &call.notification(&self.secret, at));
        let sent = Instant::now();
        http::exchange(self.addresses[replica], &told)?;
        Ok(sent)
    }

    /// When a long poll held by a replica is answered.
    pub fn polled(&self, replica: usize, id: &str) -> Result<Instant> {
        let poll = http::poll(&format!("/v1/verifications/{id}?wait=60"), &self.key);
        Ok(self.until(replica, &poll, "\"confirmed\"")?.1)
    }

    /// When an event stream of a replica tells the end.
    pub fn streamed(&self, replica: usize, id: &str) -> Result<Instant> {
        let path = format!("/v1/verifications/{id}/events");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Accept: text/event-stream\r\n\r\n",
            self.key
        );
        Ok(self.until(replica, request.as_bytes(), "event: concluded")?.1)
    }

    /// What an answer says until a word of it has come, and when that came.
    fn until(&self, replica: usize, request: &[u8], word: &str) -> Result<(String, Instant)> {
        let mut stream = TcpStream::connect(self.addresses[replica])?;
        stream.write_all(request)?;
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        while !text.contains(word) {
            let read = stream.read(&mut piece).context("while waiting")?;
            ensure!(read > 0, "it ended without {word}: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        Ok((text, Instant::now()))
    }
}

fn make_key(binary: &Path, configuration: &Path) -> Result<String> {
    let made = Command::new(binary)
        .args(["keys", "create", "--app", APP, "--config"])
        .arg(configuration)
        .output()
        .context("while making a key")?;
    let key = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    ensure!(key.contains('.'), "no key was made: {}", String::from_utf8_lossy(&made.stderr));
    Ok(key)
}

fn put(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
