//! The server under test as a process: started on its core, watched from outside, stopped at the end.

use crate::kernel::TICKS_PER_SECOND;
use serde::Serialize;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
    /// Starts `command` on `cores`, a list such as `0` or `0,1` (any core where `None`); its output goes to a file in `folder`.
    ///
    /// # Errors
    /// The program is not there, or cannot be started.
    pub(crate) fn start(command: &[String], cores: Option<&str>, folder: Folder) -> Result<Self, String> {
        let pinned = cores.map(|cores| ["taskset", "-c", cores].map(str::to_owned));
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

    /// The cores that it may use, as the kernel lists them: `0` or `0-3`; empty where the process is gone.
    pub(crate) fn allowed_cores(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        list.unwrap_or_default().trim().to_owned()
    }

    /// CPU seconds of each thread that runs now, by its name.
    pub(crate) fn thread_times(&self) -> Vec<(String, f64)> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid));
        let stats =
            tasks.into_iter().flatten().flatten().filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
        stats.filter_map(|stat| Some((name_in(&stat)?.to_owned(), cpu_s_in(&fields_of(&stat)?)?))).collect()
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
    let fields = fields_of(&stat)?;
    let field = |number: usize| field(&fields, number);
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |entries| entries.count() as u64);
    Some(Usage { cpu_s: cpu_s_in(&fields)?, threads: field(20)?, rss_bytes: field(24)? * PAGE_BYTES, descriptors })
}

/// The fields of a `stat` file of /proc after its name, which is in parentheses and may hold anything.
fn fields_of(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(") ")?.1.split(' ').collect())
}

fn name_in(stat: &str) -> Option<&str> {
    Some(stat.rsplit_once(')')?.0.split_once('(')?.1)
}

/// A field by its number in proc(5); those before the state, the third, are not among `fields`.
fn field(fields: &[&str], number: usize) -> Option<u64> {
    fields.get(number - 3)?.parse().ok()
}

/// User and system time, in seconds.
fn cpu_s_in(fields: &[&str]) -> Option<f64> {
    Some((field(fields, 14)? + field(fields, 15)?) as f64 / TICKS_PER_SECOND)
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
        assert_eq!(server.thread_times().len(), 1);
        assert!(!server.allowed_cores().is_empty());
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
}
