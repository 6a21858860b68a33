//! The server under test as a process: started on its core, watched from outside, stopped at the end.

use serde::Serialize;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Clock ticks of /proc per second: USER_HZ, fixed by Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;
/// Bytes of a page.
const PAGE_BYTES: u64 = 4_096;
/// How much of a server's log an error shows.
const LOG_TAIL_BYTES: usize = 2_000;

/// A running server whose cost can be read.
pub(crate) struct Server {
    pid: u32,
    child: Option<Child>,
    folder: Option<Folder>,
}

/// What a process has used so far, and holds now.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Usage {
    /// User and system time of all its threads, also those that have ended, in seconds.
    pub(crate) cpu_s: f64,
    /// Resident memory, in bytes.
    pub(crate) rss_bytes: u64,
    /// Threads.
    pub(crate) threads: u64,
    /// File descriptors; 0 where this user may not see them.
    pub(crate) descriptors: u64,
}

/// A folder of our own that goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new folder for a server of this name.
    ///
    /// # Errors
    /// A sentence for people.
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let unique = format!("tillside-bench-{name}-{}-{:x}", std::process::id(), rand::random::<u32>());
        let path = std::env::temp_dir().join(unique);
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it.
    ///
    /// # Errors
    /// A sentence for people.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Server {
    /// Starts `command` on `core` (every core where `None`); its output goes to a file in `folder`.
    ///
    /// # Errors
    /// The program is not there, or cannot be started.
    pub(crate) fn start(command: &[String], core: Option<usize>, folder: Folder) -> Result<Self, String> {
        let pinned = core.map(|core| ["taskset".to_owned(), "-c".to_owned(), core.to_string()]);
        let words: Vec<&String> = pinned.iter().flatten().chain(command).collect();
        let (program, arguments) = words.split_first().ok_or("the server's command is empty")?;
        let log =
            fs::File::create(folder.path().join("log")).map_err(|error| format!("cannot write a log: {error}"))?;
        let errors = log.try_clone().map_err(|error| format!("cannot write a log: {error}"))?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", command.join(" ")))?;
        Ok(Self { pid: child.id(), child: Some(child), folder: Some(folder) })
    }

    /// Watches a process that somebody else runs.
    pub(crate) fn attach(pid: u32) -> Self {
        Self { pid, child: None, folder: None }
    }

    /// What it says last, if it is ours and has ended.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        Some(format!("the server has ended ({status}): {}", self.log_tail()))
    }

    /// The end of its log, if it is ours.
    pub(crate) fn log_tail(&self) -> String {
        let mut text = Vec::new();
        if let Some(folder) = &self.folder
            && let Ok(mut log) = fs::File::open(folder.path().join("log"))
        {
            let _ = log.read_to_end(&mut text);
        }
        let tail = text.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(&text[tail..]).trim().to_owned()
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// The process is gone.
    pub(crate) fn usage(&self) -> Result<Usage, String> {
        usage_of(self.pid).ok_or_else(|| format!("the server (process {}) is gone: {}", self.pid, self.log_tail()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn usage_of(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last parenthesis may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |entries| entries.count() as u64);
    Some(Usage {
        cpu_s: (field(14)? + field(15)?) as f64 / TICKS_PER_SECOND,
        threads: field(20)?,
        rss_bytes: field(24)? * PAGE_BYTES,
        descriptors,
    })
}

/// What this process has used so far, in seconds.
pub(crate) fn own_cpu_s() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Datagrams that this machine dropped for full receive buffers since it was started.
pub(crate) fn receive_buffer_errors() -> u64 {
    snmp("Udp", "RcvbufErrors").unwrap_or(0)
}

fn snmp(protocol: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/net/snmp").ok()?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
    let column = lines.next()?.split(' ').position(|column| column == name)?;
    lines.next()?.split(' ').nth(column)?.parse().ok()
}

/// Keeps this process, and the threads it makes from now on, on one core.
///
/// # Errors
/// There is no such core.
pub(crate) fn pin_self(core: usize) -> Result<(), String> {
    use nix::sched::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    set.set(core)
        .and_then(|()| sched_setaffinity(nix::unistd::Pid::from_raw(0), &set))
        .map_err(|error| format!("cannot run on core {core}: {error}"))
}

/// Raises the limit of open files as far as this user may; each bot needs one.
///
/// # Errors
/// Fewer than `needed` are allowed.
pub(crate) fn allow_descriptors(needed: u64) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    if soft >= needed {
        return Ok(());
    }
    let wanted = needed.max(hard);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted)
        .or_else(|_| setrlimit(Resource::RLIMIT_NOFILE, hard, hard))
        .map(|()| getrlimit(Resource::RLIMIT_NOFILE).map_or(soft, |(soft, _)| soft));
    match raised {
        Ok(limit) if limit >= needed => Ok(()),
        _ => Err(format!(
            "{needed} open files are needed and {hard} are allowed: run `ulimit -n {needed}` as root first, or use fewer \
             participants"
        )),
    }
}

/// A TCP port of loopback that nobody uses now.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// Waits for a while.
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_watched_from_outside() {
        let folder = Folder::new("test").unwrap();
        let path = folder.path().to_owned();
        let command = ["sh", "-c", "echo here; exec sleep 60"].map(str::to_owned);
        let server = Server::start(&command, None, folder).unwrap();
        let usage = server.usage().unwrap();
        assert!(usage.threads == 1 && usage.cpu_s < 5.0, "{usage:?}");
        drop(server);
        assert!(!path.exists(), "nothing is left behind");
    }

    #[test]
    fn a_server_that_ends_says_why() {
        let command = ["sh", "-c", "echo the port is taken >&2; exit 3"].map(str::to_owned);
        let mut server = Server::start(&command, None, Folder::new("test").unwrap()).unwrap();
        let words = loop {
            if let Some(words) = server.last_words() {
                break words;
            }
        };
        assert!(words.contains("the port is taken") && words.contains('3'), "{words}");
    }

    #[test]
    fn the_kernel_tells_of_full_buffers() {
        assert!(snmp("Udp", "RcvbufErrors").is_some());
        assert!(own_cpu_s() > 0.0);
    }
}
