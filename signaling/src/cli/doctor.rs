//! `tillside doctor`: what could keep a node on this machine from working well.

use super::{CliError, EXIT_PORT, Sources};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::ExitCode;
use tillside::config::Config;
use tillside::moment::Moment;
use tillside::node::advertised;

/// Socket buffers that held in measurements, in bytes.
const SOCKET_BUFFER_MIN: u64 = 4 * 1024 * 1024;
/// Open files: one per WebSocket, and some.
const OPEN_FILES_MIN: u64 = 65_536;
/// The first day of 2025: a clock before it is wrong, and every token would be refused.
const CLOCK_UNIX_MIN: u64 = 1_735_689_600;
/// `UDP_SEGMENT` of linux/udp.h: lets one call send many datagrams.
const UDP_SEGMENT: i32 = 103;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Weak,
    Bad,
}

#[derive(serde::Serialize)]
struct Finding {
    verdict: Verdict,
    what: String,
    says: String,
}

pub(super) fn run(sources: &Sources, options: &Options) -> Result<ExitCode, CliError> {
    let config = sources.load()?;
    let mut findings = ports(&config);
    findings.push(addresses(&config));
    findings.push(buffer("net.core.rmem_max", "/proc/sys/net/core/rmem_max"));
    findings.push(buffer("net.core.wmem_max", "/proc/sys/net/core/wmem_max"));
    findings.push(segmentation());
    findings.push(open_files());
    findings.push(clock());
    if options.json {
        let text = serde_json::to_string_pretty(&findings).map_err(|error| CliError::Other(error.to_string()))?;
        println!("{text}");
    } else {
        for finding in &findings {
            let mark = match finding.verdict {
                Verdict::Good => "ok  ",
                Verdict::Weak => "weak",
                Verdict::Bad => "BAD ",
            };
            println!("{mark}  {:<20} {}", finding.what, finding.says);
        }
    }
    let worst_is_bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if worst_is_bad { ExitCode::from(EXIT_PORT) } else { ExitCode::SUCCESS })
}

fn finding(verdict: Verdict, what: impl Into<String>, says: impl Into<String>) -> Finding {
    Finding { verdict, what: what.into(), says: says.into() }
}

/// Opens every port that the node would open, one after the other, and talks to itself over the first UDP port.
fn ports(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, address) in [("http", config.signaling.listen), ("admin", config.admin.listen)] {
        findings.push(tcp(what, address));
    }
    let workers = match config.media.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    for address in &config.media.bind {
        if config.media.tcp_port != 0 {
            findings.push(tcp("media", SocketAddr::new(*address, config.media.tcp_port)));
        }
        for worker in 0..workers.min(256) {
            let port = config.media.udp_port_base.saturating_add(u16::try_from(worker).unwrap_or(u16::MAX));
            findings.push(udp(SocketAddr::new(*address, port)));
        }
    }
    findings
}

fn tcp(what: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => finding(Verdict::Good, format!("{what} TCP {address}"), "free"),
        Err(error) => finding(Verdict::Bad, format!("{what} TCP {address}"), format!("cannot be opened: {error}")),
    }
}

fn udp(address: SocketAddr) -> Finding {
    let what = format!("media UDP {address}");
    match echo(address) {
        Ok(()) => finding(Verdict::Good, what, "free, and a datagram to itself arrives"),
        // A family that the machine lacks is left out by the node, too.
        Err(error) if address.is_ipv6() && error.kind() != std::io::ErrorKind::AddrInUse => {
            finding(Verdict::Weak, what, format!("no IPv6 here, left out: {error}"))
        }
        Err(error) => finding(Verdict::Bad, what, format!("cannot be used: {error}")),
    }
}

/// Sends a datagram to itself and waits for it.
fn echo(address: SocketAddr) -> std::io::Result<()> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
    };
    socket.send_to(b"tillside doctor", &SocketAddr::new(ip, address.port()).into())?;
    let mut buffer = [std::mem::MaybeUninit::uninit(); 64];
    socket.recv_from(&mut buffer).map(|_| ())
}

fn addresses(config: &Config) -> Finding {
    let addresses = advertised(config, &config.media.bind);
    let text: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let what = "candidate addresses";
    if addresses.iter().all(IpAddr::is_loopback) {
        return finding(Verdict::Weak, what, "only loopback: Firefox cannot connect; set media.advertise");
    }
    let private = addresses.iter().all(|address| match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback(),
    });
    if private && !config.dev {
        let says = format!("{}: private only; customers need media.advertise", text.join(", "));
        return finding(Verdict::Weak, what, says);
    }
    finding(Verdict::Good, what, text.join(", "))
}

fn buffer(what: &str, path: &str) -> Finding {
    match std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(bytes) if bytes >= SOCKET_BUFFER_MIN => finding(Verdict::Good, what, format!("{bytes} bytes")),
        Some(bytes) => finding(Verdict::Weak, what, format!("{bytes} bytes: sysctl -w {what}={SOCKET_BUFFER_MIN}")),
        None => finding(Verdict::Weak, what, "cannot be read"),
    }
}

fn segmentation() -> Finding {
    let what = "UDP_SEGMENT";
    #[allow(unsafe_code)] // no safe wrapper for this option
    let supported = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).is_ok_and(|socket| {
        use std::os::fd::AsRawFd;
        let size: libc::c_int = 1200;
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the option takes one int, which lives until the call returns.
        let outcome = unsafe {
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, UDP_SEGMENT, (&raw const size).cast(), length)
        };
        outcome == 0
    });
    match supported {
        true => finding(Verdict::Good, what, "the kernel sends many datagrams in one call"),
        false => finding(Verdict::Weak, what, "not available: sending costs about three times as much"),
    }
}

fn open_files() -> Finding {
    let what = "open files";
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[allow(unsafe_code)] // no safe wrapper for getrlimit
    // SAFETY: getrlimit fills the structure that it is given.
    let outcome = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    match (outcome, limit.rlim_cur) {
        (0, files) if files >= OPEN_FILES_MIN => finding(Verdict::Good, what, files.to_string()),
        (0, files) => finding(Verdict::Weak, what, format!("{files}: LimitNOFILE={OPEN_FILES_MIN}")),
        _ => finding(Verdict::Weak, what, "cannot be read"),
    }
}

fn clock() -> Finding {
    let unix = Moment::now().unix;
    match unix >= CLOCK_UNIX_MIN {
        true => finding(Verdict::Good, "clock", format!("{unix} seconds since 1970")),
        false => finding(Verdict::Bad, "clock", "years behind: every token would be refused"),
    }
}
