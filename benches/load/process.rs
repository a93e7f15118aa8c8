//! Child processes, and what the system says of them.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// The system counts processor time in these.
const TICK: Duration = Duration::from_millis(10);
/// Others that take no more of a core than this do not disturb.
pub const QUIET: f64 = 0.25;
/// How long a quiet machine is waited for, and how long one look takes.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(300);

/// A child that serves on loopback; killed, not asked, when dropped.
pub struct Process {
    child: Child,
    /// Held open, so that it can go on printing.
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    pub resident: u64,
    pub anonymous: u64,
}

/// Processor time of the whole machine, and of us.
pub struct Machine {
    began: Instant,
    busy: Duration,
    ours: Duration,
}

impl Process {
    /// Starts a program; its log goes to a file.
    pub fn spawn<I, S>(program: &Path, arguments: I, log: &Path) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let file = fs::File::create(log).context("while making the log file")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("while starting {}", program.display()))?;
        let output = child.stdout.take().context("its output is piped")?;
        Ok(Self { child, output: BufReader::new(output), log: log.to_owned() })
    }

    /// The address in the first line that it prints.
    pub fn address(&mut self) -> Result<SocketAddr> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("while reading its first line")?;
        let last = line.split_whitespace().last().unwrap_or_default();
        last.trim_start_matches("http://").parse().map_err(|_| {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            anyhow!("a child says {line:?}, which is no address; its log: {log}")
        })
    }

    /// Processor time so far, in user and system mode.
    pub fn cpu(&self) -> Result<Duration> {
        cpu(&self.child.id().to_string())
    }

    pub fn memory(&self) -> Result<Memory> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(path).context("while reading a child's memory")?;
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            kilobytes.map_or(0, |kilobytes: u64| kilobytes * 1024)
        };
        Ok(Memory { resident: bytes("Rss:"), anonymous: bytes("Anonymous:") })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Machine {
    /// Begins to watch, beside this process, those children.
    pub fn watch(children: &[&Process]) -> Result<Self> {
        Ok(Self { began: Instant::now(), busy: busy()?, ours: ours(children)? })
    }

    /// How many cores others took since then.
    pub fn others(&self, children: &[&Process]) -> Result<f64> {
        let busy = busy()?.saturating_sub(self.busy);
        let ours = ours(children)?.saturating_sub(self.ours);
        Ok(busy.saturating_sub(ours).as_secs_f64() / self.began.elapsed().as_secs_f64())
    }

    /// Returns once others leave the machine alone, or when patience ends.
    pub fn wait_until_quiet() -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let machine = Self::watch(&[])?;
            thread::sleep(LOOK);
            if machine.others(&[])? < QUIET || Instant::now() > until {
                return Ok(());
            }
        }
    }
}

fn ours(children: &[&Process]) -> Result<Duration> {
    children
        .iter()
        .map(|child| child.cpu())
        .sum::<Result<Duration>>()
        .and_then(|sum| Ok(sum + cpu("self")?))
}

fn cpu(process: &str) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))
        .context("while reading a process's times")?;
    // The name before may hold anything, a parenthesis included.
    let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: u32 =
        rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// All but idle and waiting for the disk; time stolen by the host included.
fn busy() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("while reading the machine's times")?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    let ticks = fields.filter_map(|field| field.parse::<u64>().ok()).enumerate();
    let busy: u64 =
        ticks.filter(|(place, _)| !matches!(place, 3 | 4)).map(|(_, ticks)| ticks).sum();
    Ok(TICK * u32::try_from(busy).unwrap_or(u32::MAX))
}

/// How many files a process may have open, by the limit in force.
pub fn open_files() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/limits").context("while reading the limits")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    Ok(soft.unwrap_or(u64::MAX))
}
