//! A PostgreSQL server of the tests' own: started by the first test that needs it, shared
//! by the others, each with a database of its own, and ended with the process in whatever
//! way that ends.
//!
//! Included by the tests of the adapter and by those from outside.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian puts the server's programs, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The shell keeps the server: when the process that started it is gone, its end of the pipe is
/// closed, so `read` ends, and so do the server and its folder. What the server logs is kept
/// in the folder until then. $1: its folder, $2: its programs, $3: its address; the rest is
/// what becomes another user.
const KEEPER: &str = r#"
trap '' INT TERM HUP
folder=$1 bin=$2 address=$3
shift 3
end() { rm -rf "$folder"; exit "$1"; }
"$@" "$bin/initdb" --pgdata="$folder/data" --username=ringproof --auth=trust --encoding=UTF8 \
    --no-locale --no-sync >"$folder/initdb.txt" 2>&1 || { cat "$folder/initdb.txt" >&2; end 1; }
"$@" "$bin/postgres" -D "$folder/data" -k "$folder" -c "listen_addresses=$address" \
    -c fsync=off -c max_connections=400 -c shared_buffers=64MB -c log_min_messages=warning \
    >"$folder/log.txt" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" -q -h "$folder" -U ringproof; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/log.txt" >&2; end 1; }
done
echo ready
read -r _
kill -QUIT "$server"
wait "$server"
end 0
"#;

/// A running server.
pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    /// Held open as long as the server is to live.
    _keeper: (Child, ChildStdin),
}

/// The server that the tests of this process share.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("ringproof-pg-").tempdir().unwrap().keep();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(&programs).arg(address());
        keeper.args(as_another_user(&folder)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut said = String::new();
        let stdin = keeper.stdin.take().unwrap();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "PostgreSQL did not start; it said why above");
        Self { folder, programs, databases: AtomicU32::new(0), _keeper: (keeper, stdin) }
    }

    /// Makes an empty database; its URL.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database, by way of the server's socket.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://ringproof@/{database}?host={}", self.folder.display())
    }

    /// The database of a URL.
    pub(crate) fn database(url: &str) -> &str {
        let path = url.split(['@', '?']).nth(1).unwrap();
        path.trim_start_matches('/')
    }

    /// Runs SQL in a database; what it answers, as text.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "ringproof", "-h"]);
        let ran = psql.arg(&self.folder).args(["-d", database, "-c", sql]).output().unwrap();
        assert!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
    }
}

/// The programs of the newest version that is installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).map(|entries| {
        let folders = entries.map(|entry| entry.unwrap().path().join("bin"));
        folders.filter(|bin| bin.join("postgres").exists()).max()
    });
    versions.ok().flatten().expect("PostgreSQL is missing; install Debian's package postgresql")
}

/// An address of the loopback network that no other process of the tests has.
fn address() -> String {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    format!("127.{}.{b}.{c}", 64 + a)
}

/// The server refuses to run as root, so then it runs as nobody, who gets the folder.
fn as_another_user(folder: &Path) -> Vec<&'static str> {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Vec::new();
    }
    let given = Command::new("chown").arg("nobody:nogroup").arg(folder).status().unwrap();
    assert!(given.success());
    vec!["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
}
