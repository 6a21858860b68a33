//! What it costs the core that somebody is there: CPU time to join, memory to stay.

use super::call::Call;
use crate::samples::Samples;
use serde_json::{Value, json};
use std::time::Duration;
use tillside_tests::allocation::count;
use tillside_tests::bot::secure::BotIdentity;
use tillside_tests::bot::{BotConfig, SentTrack};
use tillside_tests::world::participant;

/// Participants of the smaller of two cores whose difference is measured; tables that grow by doubling are past their
/// first steps then.
const BASE: usize = 100;
/// By then the handshake's state has been dropped.
const SETTLED: Duration = Duration::from_secs(15);
/// Measurements of a join.
const ROUNDS: usize = 5;

pub(super) const METHOD: &str = "idle: rooms of two, everybody with a microphone and a camera that send nothing, three \
slots for sound and four for pictures, connected through ICE and DTLS, 15 s later; bytes that the core holds on the \
heap, as asked of the allocator, per participant beyond the first 100. join: CPU time inside the core from reading the \
offer until 1 s after the connection stands (answer, checks, handshake, first reports), per participant; median of 5 \
cores.";

/// Heap bytes per idle participant.
pub(super) fn idle(identity: &BotIdentity, participants: usize) -> Result<Value, String> {
    let (less, more) = (held(identity, BASE)?, held(identity, BASE + participants)?);
    let bytes = (more - less) as f64 / participants as f64;
    println!("idle: {bytes:.0} bytes per participant ({participants} more than {BASE})");
    Ok(json!({ "case": "idle", "participants": participants, "bytes_per_participant": bytes }))
}

/// CPU time per join.
pub(super) fn joins(identity: &BotIdentity, participants: usize) -> Result<Value, String> {
    let mut micros = Samples::default();
    for _ in 0..ROUNDS {
        let mut call = Call::new()?;
        call.join(identity, pairs(participants))?;
        micros.push(call.time.as_nanos() as f64 / 1000.0 / participants as f64);
    }
    let (median, spread) = (micros.median(), micros.spread());
    println!("join: {median:.0} µs per participant, spread {:.1}% ({participants} at once)", spread * 100.0);
    Ok(json!({ "case": "join", "participants": participants, "cpu_us_per_join": median, "spread": spread }))
}

/// Bytes that a core holds with so many idle participants.
fn held(identity: &BotIdentity, participants: usize) -> Result<i64, String> {
    let (call, tally) = count(|| -> Result<Call, String> {
        let mut call = Call::new()?;
        call.join(identity, pairs(participants))?;
        call.run_for(SETTLED);
        call.forget_bots();
        Ok(call)
    });
    // Counted while it is alive.
    call.map(|_alive| tally.kept)
}

fn pairs(participants: usize) -> Vec<BotConfig> {
    let tracks = [SentTrack::MICROPHONE, SentTrack::CAMERA];
    (0..participants as u64).map(|number| participant(number / 2, number, &tracks)).collect()
}
