//! `forward`: the real media core against the floor, without sockets.
//!
//! A publisher and its subscribers join the core through ICE and DTLS; then the core's work for each packet that leaves
//! is compared with what [`crate::limit`] takes for it, by turns in one run.

mod call;
mod instructions;
mod presence;
mod source;

use crate::limit::user::UserPart;
use crate::limit::{SPREAD_MAX, nanos_each};
use crate::origin;
use crate::samples::Samples;
use call::Call;
use serde_json::{Value, json};
use source::{Media, Source};
use std::path::PathBuf;
use std::time::Duration;
use tillside_sfu::srtp::SrtpProfile;
use tillside_tests::allocation::Tally;
use tillside_tests::bot::SentTrack;
use tillside_tests::bot::secure::BotIdentity;
use tillside_tests::world::participant;

/// Packets out of one measurement: some twenty milliseconds of work.
const PACKETS_PER_ROUND: usize = 100_000;
/// Packets sealed ahead and then handed to the core while its time is taken: together larger than the first-level
/// cache, as packets off the wire are.
const PACKETS_PER_STRETCH: usize = 256;
/// Packets in until every ring and history has been all the way round.
const WARM_UP: usize = 3_000;
/// Packets in a row that every subscriber must be able to open: two pictures.
const VERIFIED: usize = 16;
/// How often that is tried.
const ATTEMPTS_MAX: usize = 50;

const METHOD: &str = "The core as the node runs it, in process and in virtual time: one publisher and N subscribers, \
each with three slots for sound and four for pictures, joined through ICE and DTLS. 100-byte payloads are Opus (one \
packet per 20 ms), others VP8 (pictures of 8 packets, 30 a second). ns_per_packet: CPU time of handle_datagram, forward \
and handle_timeout (ring, transport-wide numbers and feedback, reports, layer choice, statistics) per packet that \
leaves; k packets of the stream arrive before each forward. limit_ns: the user part of `limit` with the same k \
and cipher. Both \
by turns within a round; medians of the rounds; ratio: median of the rounds' ratios. Allocations are counted inside \
the same calls, but for the box in which the core tells its counters once a second.";

/// See [`super::Command::Forward`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Numbers of subscribers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    subscribers: Vec<usize>,
    /// Payload sizes in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1200])]
    payload: Vec<usize>,
    /// Packets that arrive before they are forwarded.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Measurements of each row.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Also measures what so many idle participants hold in memory.
    #[arg(long, value_name = "PARTICIPANTS")]
    idle: Option<usize>,
    /// Also measures what so many joins take.
    #[arg(long, value_name = "PARTICIPANTS")]
    joins: Option<usize>,
    /// Counts instructions instead of time, under valgrind: figures that no other load on the machine changes.
    #[arg(long)]
    instructions: bool,
    /// What a run under valgrind is told: whose work, and packets of the publisher.
    #[arg(long, hide = true, value_names = ["CORE|FLOOR", "PACKETS"], num_args = 2)]
    counted: Vec<String>,
    /// Writes the rows as JSON here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    if let [side, packets] = &arguments.counted[..] {
        return instructions::run_counted(arguments, side, packets);
    }
    if arguments.instructions {
        return instructions::run(arguments);
    }
    println!("{METHOD}\n");
    println!(
        "{:>11} {:>8} {:>3} {:>14} {:>9} {:>7} {:>8} {:>14}  SRTP",
        "subscribers", "payload", "k", "ns/packet", "limit ns", "ratio", "spread", "allocs/packet"
    );
    let identity = BotIdentity::new();
    let mut rows = Vec::new();
    for &payload in &arguments.payload {
        for &subscribers in &arguments.subscribers {
            let mut duel = Duel::new(&identity, subscribers, payload, arguments.batch)?;
            for _ in 0..arguments.rounds {
                duel.measure();
            }
            rows.push(duel.report());
        }
    }
    let mut presence = Vec::new();
    if arguments.idle.is_some() || arguments.joins.is_some() {
        println!("\n{}\n", presence::METHOD);
    }
    if let Some(participants) = arguments.idle {
        presence.push(presence::idle(&identity, participants)?);
    }
    if let Some(participants) = arguments.joins {
        presence.push(presence::joins(&identity, participants)?);
    }
    let valid = rows.iter().all(|row| row["valid"] == true);
    if !valid {
        println!("INVALID rows are marked: the machine was not quiet, or the two did not do the same");
    }
    match &arguments.json {
        Some(path) => origin::write(path, "forward", valid, METHOD, json!({ "rows": rows, "presence": presence })),
        None => Ok(()),
    }
}

/// The core and the floor, with the same work before them.
struct Duel {
    subscribers: usize,
    payload: usize,
    batch: usize,
    profile: SrtpProfile,
    call: Call,
    source: Source,
    floor: UserPart,
    core_nanos: Samples,
    floor_nanos: Samples,
    ratios: Samples,
    allocations: u64,
    packets: u64,
    /// Packets that should have left the core and did not, or could not be opened.
    missing: u64,
}

impl Duel {
    fn new(identity: &BotIdentity, subscribers: usize, payload: usize, batch: usize) -> Result<Self, String> {
        let media = if payload <= 100 { Media::Sound } else { Media::Picture };
        let track = if media == Media::Sound { SentTrack::MICROPHONE } else { SentTrack::CAMERA };
        let mut call = Call::new()?;
        call.join(identity, vec![participant(1, 1, &[track])])?;
        call.join(identity, (2..).take(subscribers).map(|number| participant(1, number, &[])).collect())?;
        let profile = call.srtp_profile().ok_or("nobody negotiated SRTP")?;
        let source = Source::new(media, call.publisher_ssrc(), payload);
        let mut duel = Self {
            subscribers,
            payload,
            batch,
            profile,
            call,
            source,
            floor: UserPart::new(profile, subscribers, payload, batch),
            core_nanos: Samples::default(),
            floor_nanos: Samples::default(),
            ratios: Samples::default(),
            allocations: 0,
            packets: 0,
            missing: 0,
        };
        duel.warm_up()?;
        Ok(duel)
    }

    /// Sends until everybody is sent to and can open it, and then until nothing is new to the core any more.
    fn warm_up(&mut self) -> Result<(), String> {
        let mut attempts = 0;
        while self.call.verify(&mut self.source, VERIFIED) < (VERIFIED * self.subscribers) as u64 {
            attempts += 1;
            if attempts > ATTEMPTS_MAX {
                return Err("the core does not forward to all subscribers what they can open".to_owned());
            }
            self.source.request_keyframe();
        }
        self.carry(WARM_UP.next_multiple_of(self.batch));
        self.floor.run(WARM_UP / self.batch);
        Ok(())
    }

    /// Hands so many packets to the core; gives the time it took and the packets that left.
    fn carry(&mut self, packets: usize) -> (Duration, u64) {
        (self.call.time, self.call.tally) = (Duration::ZERO, Tally::default());
        let (mut left, mut sent) = (packets, 0);
        while left > 0 {
            let mut datagrams = self.call.seal(&mut self.source, left.min(PACKETS_PER_STRETCH));
            sent += self.call.carry(&mut datagrams, self.batch, self.source.interval());
            left -= datagrams.len();
        }
        (self.call.time, sent)
    }

    fn measure(&mut self) {
        let packets = PACKETS_PER_ROUND.div_ceil(self.subscribers).next_multiple_of(self.batch);
        let (floor_sent, floor_time) = self.floor.run(packets / self.batch);
        let (core_time, core_sent) = self.carry(packets);
        self.missing += floor_sent.abs_diff(core_sent);
        let (core, floor) = (nanos_each(core_time, core_sent), nanos_each(floor_time, floor_sent));
        self.core_nanos.push(core);
        self.floor_nanos.push(floor);
        self.ratios.push(core / floor);
        self.allocations += self.call.tally.allocations;
        self.packets += core_sent;
    }

    fn report(&self) -> Value {
        let (core, floor, ratio) = (self.core_nanos.median(), self.floor_nanos.median(), self.ratios.median());
        let spread = self.ratios.spread();
        let allocations = self.allocations as f64 / self.packets as f64;
        let srtp = self.profile.to_string();
        let valid = spread <= SPREAD_MAX && self.missing == 0;
        println!(
            "{:>11} {:>8} {:>3} {core:>14.1} {floor:>9.1} {ratio:>7.2} {:>7.1}% {allocations:>14.4}  {srtp}{}",
            self.subscribers,
            self.payload,
            self.batch,
            spread * 100.0,
            if valid { "" } else { "  INVALID" },
        );
        json!({
            "subscribers": self.subscribers, "payload": self.payload, "k": self.batch, "ns_per_packet": core,
            "limit_ns": floor, "ratio": ratio, "spread": spread, "allocs_per_packet": allocations,
            "packets": self.packets, "missing": self.missing, "srtp": srtp, "valid": valid,
        })
    }
}
