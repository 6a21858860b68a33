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

/// Seconds in which these cores (all of them, if none is named) did something since the machine was started, interrupts
/// included; time that the machine's host took away is not.
pub(crate) fn busy_s(cores: &[usize]) -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = |name: &str| ticks_in(&stat, name).unwrap_or(0);
    let sum: u64 =
        if cores.is_empty() { ticks("cpu") } else { cores.iter().map(|core| ticks(&format!("cpu{core}"))).sum() };
    sum as f64 / TICKS_PER_SECOND
}

/// Busy ticks in a line of /proc/stat: user, nice, system, (idle, waiting,) interrupts, soft interrupts.
fn ticks_in(stat: &str, name: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    Some([0, 1, 2, 5, 6].iter().filter_map(|index| fields.get(*index)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_full_buffers() {
        assert!(snmp("Udp", "RcvbufErrors").is_some());
        assert!(own_cpu_s() > 0.0 && busy_s(&[]) > 0.0);
    }

    #[test]
    fn idle_waiting_and_stolen_ticks_are_not_busy_ones() {
        let stat = "cpu  100 20 30 4000 50 6 7 80 0 0\ncpu0 1 2 3 400 5 6 7 8 0 0\ncpu10 9 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(ticks_in(stat, "cpu"), Some(163));
        assert_eq!(
            (ticks_in(stat, "cpu0"), ticks_in(stat, "cpu1"), ticks_in(stat, "cpu10")),
            (Some(19), None, Some(9))
        );
    }
}
