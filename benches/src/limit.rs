//! `limit`: the floor under every forwarding unit on this machine.
//!
//! A loop that does only what no unit can leave out ([`fan`]), alone ([`user`]) and with the kernel ([`sockets`]). What
//! the node takes is judged by its distance from this, measured in the same run.

pub(crate) mod fan;
mod sockets;
pub(crate) mod user;

use crate::origin;
use crate::profile::Profile;
use crate::samples::Samples;
use serde_json::{Value, json};
use sockets::SocketPart;
use std::path::PathBuf;
use std::time::Duration;
use tillside_sfu::srtp::SrtpProfile;
use user::UserPart;

/// Datagrams of one measurement: some ten to a hundred milliseconds of work.
const DATAGRAMS_PER_ROUND: usize = 100_000;
/// Measurements of the floor under a run.
const FLOOR_ROUNDS: usize = 15;
/// Half of the measurements must lie within this part of the median, or the row does not count.
pub(crate) const SPREAD_MAX: f64 = 0.15;

const METHOD: &str = "One thread opens each packet once and, subscriber by subscriber, copies the 20-byte header, \
rewrites its SSRC, number, timestamp and transport-wide number, and seals it out of place under the subscriber's own \
key. `user`: no sockets. `sendmmsg`, `gso`: received by recvmmsg in batches of 32 from a filled queue, sent over \
loopback by sendmmsg of 32 messages, to one socket per subscriber as the swarm of `load` has them: it has room, notes \
arrival times, is watched by an epoll, and is read while the clock stands; with gso the k packets of a subscriber are \
one message. k: packets of the stream that are handled together. CPU time of the thread, kernel and the receivers' half \
of loopback included; paths alternate within a round; median of the rounds.";

/// See [`super::Command::Limit`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Numbers of subscribers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 10, 100])]
    subscribers: Vec<usize>,
    /// Payload sizes in bytes: of a voice, of a picture.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1200])]
    payload: Vec<usize>,
    /// Packets handled together.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 8])]
    batch: Vec<usize>,
    /// Measurements of each row.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// The cipher; what Chromium negotiates with our node if not given
    #[arg(long, value_enum, default_value_t = Profile::Gcm256)]
    profile: Profile,
    /// Writes the rows as JSON here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One row of the table, while it is measured.
struct Row {
    path: &'static str,
    subscribers: usize,
    payload: usize,
    batch: usize,
    part: Part,
    nanos: Samples,
}

enum Part {
    User(Box<UserPart>),
    Sockets(Box<SocketPart>),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let profile = SrtpProfile::from(arguments.profile);
    if profile == SrtpProfile::Aes128CmSha1_80 {
        return Err(
            "the floor is AES-GCM, which every browser negotiates with the node: choose gcm128 or gcm256".to_owned()
        );
    }
    println!("{METHOD}\nSRTP profile: {profile}\n");
    println!(
        "{:<10} {:>3} {:>8} {:>12} {:>16} {:>9} {:>8}",
        "path", "k", "payload", "subscribers", "ns/datagram", "M/s", "spread"
    );
    let mut rows = Vec::new();
    for &payload in &arguments.payload {
        for &subscribers in &arguments.subscribers {
            let mut table = table(profile, subscribers, payload, &arguments.batch)?;
            for _ in 0..arguments.rounds {
                table.iter_mut().try_for_each(Row::measure)?;
            }
            rows.extend(table.iter().map(Row::report));
        }
    }
    let valid = rows.iter().all(|row| row["valid"] == true);
    if !valid {
        println!("INVALID rows are marked: this machine is not quiet enough");
    }
    match &arguments.json {
        Some(path) => origin::write(path, "limit", valid, METHOD, json!({ "srtp": profile.to_string(), "rows": rows })),
        None => Ok(()),
    }
}

/// What a datagram takes with sockets and segmentation offload, for a run that is judged by it.
pub(crate) struct Floor {
    /// Packets of the stream that leave toward a subscriber as one message.
    pub(crate) batch: usize,
    pub(crate) nanos: f64,
    pub(crate) spread: f64,
}

/// Measures the floor under a run: as many subscribers, as large a payload, the same cipher and `batch`.
///
/// # Errors
/// Too few file descriptors, or a profile that is none of AES-GCM.
pub(crate) fn floor(profile: SrtpProfile, subscribers: usize, payload: usize, batch: usize) -> Result<Floor, String> {
    if profile == SrtpProfile::Aes128CmSha1_80 {
        return Err(format!("there is no floor for {profile}"));
    }
    let part = SocketPart::new(profile, subscribers, payload, batch, batch > 1);
    let part = Part::Sockets(Box::new(part.map_err(|error| format!("{subscribers} subscribers: {error}"))?));
    let path = if batch > 1 { "gso" } else { "sendmmsg" };
    let mut row = Row { path, subscribers, payload, batch, part, nanos: Samples::default() };
    for _ in 0..FLOOR_ROUNDS {
        row.measure()?;
    }
    Ok(Floor { batch, nanos: row.nanos.median(), spread: row.nanos.spread() })
}

/// All paths for one number of subscribers and one size.
fn table(profile: SrtpProfile, subscribers: usize, payload: usize, batches: &[usize]) -> Result<Vec<Row>, String> {
    let row = |path, batch, part| Row { path, subscribers, payload, batch, part, nanos: Samples::default() };
    let sockets = |batch, segmentation| {
        let part = SocketPart::new(profile, subscribers, payload, batch, segmentation);
        part.map(|part| Part::Sockets(Box::new(part))).map_err(|error| format!("{subscribers} subscribers: {error}"))
    };
    let mut rows = Vec::new();
    for &batch in batches {
        rows.push(row("user", batch, Part::User(Box::new(UserPart::new(profile, subscribers, payload, batch)))));
        rows.push(row("sendmmsg", batch, sockets(batch, false)?));
        if batch > 1 {
            rows.push(row("gso", batch, sockets(batch, true)?));
        }
    }
    Ok(rows)
}

impl Row {
    fn measure(&mut self) -> Result<(), String> {
        let packets = DATAGRAMS_PER_ROUND.div_ceil(self.subscribers);
        let (sent, time) = match &mut self.part {
            Part::User(part) => part.run(packets.div_ceil(self.batch)),
            Part::Sockets(part) => part.run(packets.div_ceil(32)).map_err(|error| format!("{}: {error}", self.path))?,
        };
        self.nanos.push(nanos_each(time, sent));
        Ok(())
    }

    fn report(&self) -> Value {
        let (nanos, spread) = (self.nanos.median(), self.nanos.spread());
        let valid = spread <= SPREAD_MAX;
        println!(
            "{:<10} {:>3} {:>8} {:>12} {:>16.1} {:>9.2} {:>7.1}%{}",
            self.path,
            self.batch,
            self.payload,
            self.subscribers,
            nanos,
            1000.0 / nanos,
            spread * 100.0,
            if valid { "" } else { "  INVALID" },
        );
        json!({
            "path": self.path, "k": self.batch, "payload": self.payload, "subscribers": self.subscribers,
            "ns_per_datagram": nanos, "spread": spread, "valid": valid,
        })
    }
}

/// Nanoseconds of one of `count`.
pub(crate) fn nanos_each(time: Duration, count: u64) -> f64 {
    time.as_nanos() as f64 / count as f64
}
