//! Many rooms on one worker, people coming and going at random: nothing crosses, nothing stays behind.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::time::Duration;
use tillside_tests::bot::SentTrack;
use tillside_tests::network::{Impairment, Link};
use tillside_tests::world::{BotId, World, participant};

const ROOMS: u64 = 5;
const ROUNDS: usize = 60;

#[test]
fn rooms_never_mix_and_leave_nothing_behind() {
    for seed in 100..110 {
        churn(seed);
    }
}

/// One busy time. The isolation itself is judged packet by packet at the server's door.
fn churn(seed: u64) {
    let mut world = World::new(seed);
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let mut here: Vec<BotId> = Vec::new();
    let mut heard = 0;
    for number in 1..=ROUNDS as u64 {
        match rng.random_range(0..10) {
            0..=4 => here.push(world.join(somebody(&mut rng, number), somewhere(&mut rng))),
            5..=6 if !here.is_empty() => world.leave(here.swap_remove(rng.random_range(0..here.len()))),
            7 if !here.is_empty() => world.vanish(here.swap_remove(rng.random_range(0..here.len()))),
            8 if !here.is_empty() => drop(world.rebind(here[rng.random_range(0..here.len())])),
            _ => {}
        }
        world.run_for(Duration::from_millis(rng.random_range(10..700)));
        heard += here.iter().filter(|bot| world.bot(**bot).first_reception(true).is_some()).count();
    }
    assert!(heard > ROUNDS / 3, "seed {seed}: hardly anybody met ({heard})");
    here.iter().for_each(|bot| world.leave(*bot));
    world.run_for(Duration::from_secs(40));
    assert_eq!(world.server_sizes(), [0; 4], "seed {seed}: something stayed behind");
}

fn somebody(rng: &mut ChaCha12Rng, number: u64) -> tillside_tests::bot::BotConfig {
    let tracks: &[SentTrack] = match rng.random_range(0..4) {
        0 => &[],
        1 => &[SentTrack::MICROPHONE],
        2 => &[SentTrack::MICROPHONE, SentTrack::SIMULCAST_CAMERA],
        _ => &[SentTrack::MICROPHONE, SentTrack::CAMERA],
    };
    participant(rng.random_range(1..=ROOMS), number, tracks)
}

fn somewhere(rng: &mut ChaCha12Rng) -> Link {
    let percent = if rng.random_range(0..3) == 0 { 8.0 } else { 0.0 };
    let impairment = Impairment {
        delay: Duration::from_millis(rng.random_range(1..120)),
        jitter: Duration::from_millis(rng.random_range(0..20)),
        ..Impairment::lossy(percent)
    };
    Link::both(impairment)
}
