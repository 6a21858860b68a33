//! Instructions for each packet that leaves, of the core and of the floor: counted by callgrind, so that two runs of one
//! build agree to a thousandth whatever else the machine does.
//!
//! This program runs itself under valgrind, for some packets and for twice as many; the difference is what the second
//! half took, without joins and warm-up. Only what happens inside of two functions is counted: the core's work in
//! [`super::call::Call::carry`] and the floor's in [`UserPart::run`].

use super::{Arguments, Duel};
use crate::limit::user::UserPart;
use crate::origin;
use serde_json::{Value, json};
use std::process::Command;
use tillside_sfu::srtp::SrtpProfile;
use tillside_tests::bot::secure::BotIdentity;

/// Packets of the publisher in the shorter run: some seconds under valgrind.
const PACKETS: usize = 1_024;
/// What the bots of `forward` negotiate with the core; a run says so if it is another one.
const PROFILE: SrtpProfile = SrtpProfile::AeadAes256Gcm;

const METHOD: &str = "Instructions by valgrind's callgrind, which offers a processor with AES-NI and without AVX-512 \
whatever the machine has: for comparing builds, not for predicting time (it overstates ciphers on newer processors). \
One publisher and N subscribers, as in the timed rows; the work of twice as many packets less that of as many, per \
packet that leaves.";

/// Whose instructions.
#[derive(Clone, Copy)]
enum Side {
    Core,
    Floor,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Floor => "floor",
        }
    }

    /// Functions to count in; matches the name before and after demangling.
    fn function(self) -> &'static str {
        match self {
            Self::Core => "*drive_core*",
            Self::Floor => "*drive_floor*",
        }
    }
}

/// Runs the counting.
pub(super) fn run(arguments: &Arguments) -> Result<(), String> {
    println!(
        "{METHOD}\n\n{:>11} {:>8} {:>3} {:>14} {:>10} {:>7}",
        "subscribers", "payload", "k", "instr/packet", "limit", "ratio"
    );
    let mut rows = Vec::new();
    for &payload in &arguments.payload {
        for &subscribers in &arguments.subscribers {
            let core = per_packet(arguments, Side::Core, subscribers, payload)?;
            let floor = per_packet(arguments, Side::Floor, subscribers, payload)?;
            rows.push(report(subscribers, payload, arguments.batch, core, floor));
        }
    }
    match &arguments.json {
        Some(path) => origin::write(path, "forward", true, METHOD, json!({ "instructions": rows })),
        None => Ok(()),
    }
}

fn report(subscribers: usize, payload: usize, batch: usize, core: f64, floor: f64) -> Value {
    let ratio = core / floor;
    println!("{subscribers:>11} {payload:>8} {batch:>3} {core:>14.0} {floor:>10.0} {ratio:>7.3}");
    json!({
        "case": "instructions", "subscribers": subscribers, "payload": payload, "k": batch, "srtp": PROFILE.to_string(),
        "instructions_per_packet": core, "limit_instructions": floor, "instructions_ratio": ratio,
    })
}

fn per_packet(arguments: &Arguments, side: Side, subscribers: usize, payload: usize) -> Result<f64, String> {
    let packets = PACKETS.next_multiple_of(arguments.batch);
    let of = |packets| counted(side, subscribers, payload, arguments.batch, packets);
    let (once, twice) = (of(packets)?, of(2 * packets)?);
    Ok(twice.saturating_sub(once) as f64 / (packets * subscribers) as f64)
}

/// Instructions of a run under valgrind.
fn counted(side: Side, subscribers: usize, payload: usize, batch: usize, packets: usize) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = crate::server::Folder::new("callgrind")?;
    let out = folder.path().join("out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={}", side.function()))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["forward", "--counted", side.name(), &packets.to_string()])
        .args(["--subscribers", &subscribers.to_string(), "--payload", &payload.to_string()])
        .args(["--batch", &batch.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind ({error}): `apt-get install valgrind`"))?;
    if !output.status.success() {
        return Err(format!("a run under valgrind failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = std::fs::read_to_string(&out).map_err(|error| format!("valgrind wrote no counts: {error}"))?;
    total(&text).filter(|count| *count > 0).ok_or_else(|| format!("valgrind counted nothing in {}", side.function()))
}

/// The sum at the end of callgrind's file.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")))?;
    line.trim().parse().ok()
}

/// What the run under valgrind does.
pub(super) fn run_counted(arguments: &Arguments, side: &str, packets: &str) -> Result<(), String> {
    let packets: usize = packets.parse().map_err(|_| format!("{packets:?} is no number of packets"))?;
    let (Some(&subscribers), Some(&payload)) = (arguments.subscribers.first(), arguments.payload.first()) else {
        return Err("subscribers and payload are needed".to_owned());
    };
    if side == Side::Floor.name() {
        UserPart::new(PROFILE, subscribers, payload, arguments.batch).run(packets / arguments.batch);
        return Ok(());
    }
    let mut duel = Duel::new(&BotIdentity::new(), subscribers, payload, arguments.batch)?;
    if duel.profile != PROFILE {
        return Err(format!("the core negotiated {}, the floor has {PROFILE}", duel.profile));
    }
    duel.carry(packets);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_last_line_of_its_kind() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(1) main\n3 10\n\ntotals: 12345\n"), Some(12_345));
        assert_eq!(total("events: Ir\nsummary: 7\n"), Some(7));
        assert_eq!(total("nothing"), None);
    }
}
