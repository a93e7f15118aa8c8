//! A PostgreSQL server of the tests' own: started by the first test that needs it, shared
//! by the others, each with a database of its own, and ended with the process in whatever
//! way that ends.
//!
//! Included by the tests of the adapter and by those from outside.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// Where Debian puts the server's programs, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The shell keeps the server: when the process that started it is gone, its end of the pipe is
/// closed, so `read` ends, and so do the server and its folder. Until then it stops the server
/// by the signals that it reads, and starts it again. What the server logs is kept
/// in the folder until then. $1: its folder, $2: its programs, $3: its address, $4: its
/// settings, $5: how it is made; the rest is what becomes another user.
const KEEPER: &str = r#"
trap '' INT TERM HUP
folder=$1 bin=$2 address=$3 settings=$4 made=$5
shift 5
end() { rm -rf "$folder"; exit "$1"; }
"$@" "$bin/initdb" --pgdata="$folder/data" --username=ringproof --auth=trust --encoding=UTF8 \
    --no-locale --no-sync $made >"$folder/initdb.txt" 2>&1 || { cat "$folder/initdb.txt" >&2; end 1; }
run() {
    "$@" "$bin/postgres" -D "$folder/data" -k "$folder" -c "listen_addresses=$address" \
        -c max_connections=400 -c log_min_messages=warning $settings \
        >>"$folder/log.txt" 2>&1 </dev/null &
    server=$!
    until "$bin/pg_isready" -q -h "$folder" -U ringproof; do
        kill -0 "$server" 2>/dev/null || { cat "$folder/log.txt" >&2; end 1; }
    done
    echo ready
}
run "$@"
while read -r order; do
    case $order in
    resume) run "$@" ;;
    *) kill -s "$order" "$server"; wait "$server"; echo stopped ;;
    esac
done
kill -QUIT "$server" 2>/dev/null
wait "$server"
end 0
"#;

/// What is quick, and lost with the machine.
const FOR_TESTS: &str = "-c fsync=off -c shared_buffers=64MB";

/// A running server.
pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    keeper: Mutex<Keeper>,
}

/// The shell; its input is held open as long as the server is to live.
struct Keeper {
    _shell: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    #[track_caller]
    fn says(&mut self, expected: &str) {
        let mut said = String::new();
        self.answers.read_line(&mut said).unwrap();
        assert_eq!(said.trim_end(), expected, "PostgreSQL did not; it said why above");
    }
}

/// The server that the tests of this process share.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(FOR_TESTS)
    }

    /// The same with other settings, each as `-c name=value`.
    pub(crate) fn start_with(settings: &str) -> Self {
        Self::make(settings, "")
    }

    /// A server whose log is in another folder, empty and of the user's that it runs as, with
    /// room for some megabytes. The server is to end before the folder.
    #[allow(dead_code, reason = "not by the tests of the adapter")]
    pub(crate) fn start_logging_to(folder: &Path) -> Self {
        // A new file as soon as one is full, and none is kept for later.
        let settings = "-c min_wal_size=2MB -c max_wal_size=4MB -c wal_recycle=off";
        let made = format!("--wal-segsize=1 --waldir={}", folder.display());
        Self::make(&format!("{FOR_TESTS} {settings}"), &made)
    }

    fn make(settings: &str, made: &str) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("ringproof-pg-").tempdir().unwrap().keep();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(&programs).args([
            &address(),
            settings,
            made,
        ]);
        keeper.args(as_another_user(&folder)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = keeper.spawn().unwrap();
        let orders = shell.stdin.take().unwrap();
        let answers = BufReader::new(shell.stdout.take().unwrap());
        let mut keeper = Keeper { _shell: shell, orders, answers };
        keeper.says("ready");
        let (databases, keeper) = (AtomicU32::new(0), Mutex::new(keeper));
        Self { folder, programs, databases, keeper }
    }

    /// Stops the server by a signal: INT is its fast way, QUIT its immediate one.
    pub(crate) fn stop(&self, signal: &str) {
        self.order(signal, "stopped");
    }

    /// Starts the server again.
    pub(crate) fn resume(&self) {
        self.order("resume", "ready");
    }

    fn order(&self, order: &str, expected: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.orders, "{order}").unwrap();
        keeper.says(expected);
    }

    /// Makes an empty database; its URL.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Makes an empty database whose tables are in a folder of the user's that the server runs
    /// as; its URL. The server is to end before the folder.
    #[allow(dead_code, reason = "not by the tests of the adapter")]
    pub(crate) fn new_database_in(&self, folder: &Path) -> String {
        let tables = format!("CREATE TABLESPACE tables LOCATION '{}'", folder.display());
        self.execute("postgres", &tables);
        self.execute("postgres", "CREATE DATABASE elsewhere TABLESPACE tables");
        self.url("elsewhere")
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
    static SERVERS: AtomicU8 = AtomicU8::new(0);
    let [_, a, b, c] = std::process::id().to_be_bytes();
    // No process has a number that begins with more than 64.
    let nth = SERVERS.fetch_add(1, Ordering::Relaxed);
    assert!(nth < 3, "a process of the tests has the addresses of three servers");
    format!("127.{}.{b}.{c}", 60 + a + 65 * nth)
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
