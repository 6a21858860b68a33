//! What the kernel says about this machine and this process, and what it may be asked for: time, full buffers, cores,
//! descriptors.

use std::fs;

/// Clock ticks of /proc per second: USER_HZ, fixed by Linux's interface.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

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

/// What some cores did since the machine was started, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CoreTime {
    /// Worked, interrupts included.
    pub(crate) busy_s: f64,
    /// Had work, while the host of this virtual machine gave them to somebody else.
    pub(crate) stolen_s: f64,
}

/// What these cores did; all of them, if none is named.
pub(crate) fn core_time(cores: &[usize]) -> CoreTime {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let names =
        if cores.is_empty() { vec!["cpu".to_owned()] } else { cores.iter().map(|core| format!("cpu{core}")).collect() };
    let times = names.iter().filter_map(|name| core_time_in(&stat, name));
    times.fold(CoreTime::default(), |sum, time| CoreTime {
        busy_s: sum.busy_s + time.busy_s,
        stolen_s: sum.stolen_s + time.stolen_s,
    })
}

/// A line of /proc/stat: user, nice, system, idle, waiting, interrupts, soft interrupts, stolen.
fn core_time_in(stat: &str, name: &str) -> Option<CoreTime> {
    let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let seconds = |indexes: &[usize]| {
        indexes.iter().filter_map(|index| fields.get(*index)).sum::<u64>() as f64 / TICKS_PER_SECOND
    };
    Some(CoreTime { busy_s: seconds(&[0, 1, 2, 5, 6]), stolen_s: seconds(&[7]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_full_buffers() {
        assert!(snmp("Udp", "RcvbufErrors").is_some());
        assert!(own_cpu_s() > 0.0 && core_time(&[]).busy_s > 0.0);
    }

    #[test]
    fn idle_and_waiting_ticks_are_neither_busy_nor_stolen() {
        let stat = "cpu  100 20 30 4000 50 6 7 80 0 0\ncpu0 1 2 3 400 5 6 7 8 0 0\ncpu10 9 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(core_time_in(stat, "cpu"), Some(CoreTime { busy_s: 1.63, stolen_s: 0.8 }));
        assert_eq!(core_time_in(stat, "cpu0"), Some(CoreTime { busy_s: 0.19, stolen_s: 0.08 }));
        assert_eq!(core_time_in(stat, "cpu1"), None);
        assert_eq!(core_time_in(stat, "cpu10"), Some(CoreTime { busy_s: 0.09, stolen_s: 0.0 }));
    }
}
