//! The steady packet path allocates nothing: a call that has run for a while goes on, and every allocation inside
//! `Sfu::handle_datagram` for RTP and inside `Sfu::forward` is counted.

use std::time::Duration;
use tillside_tests::allocation::{Counting, Tally, count};
use tillside_tests::bot::SentTrack;
use tillside_tests::network::Link;
use tillside_tests::world::{BotId, World, participant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];
/// Bytes that make a packet of a bot as long as one of a browser.
const SOUND_FILLER: usize = 100;
const PICTURE_FILLER: usize = 1000;
/// The largest ring is 1 MiB, which 30 pictures of about 1,050 bytes per second fill in 34 s; the chunks of its log are
/// allocated as they are first written.
const WARM_UP: Duration = Duration::from_secs(40);
const STEADY: Duration = Duration::from_secs(30);

/// A world in which everybody has met and every ring has wrapped.
fn warm(world: &mut World, bots: &[BotId]) {
    world.run_until_connected(bots);
    for bot in bots {
        for publisher in &mut world.bot_mut(*bot).publishers {
            publisher.filler = if publisher.origin().line == 0 { SOUND_FILLER } else { PICTURE_FILLER };
        }
    }
    world.run_for(WARM_UP);
}

/// Lets a warm world go on and asks for at least so many packets in and out.
fn assert_steady(world: &mut World, packets_in: u64, packets_out: u64) {
    let (before, tally_before) = (world.counters(), world.media_path());
    world.run_for(STEADY);
    let (after, tally) = (world.counters(), world.media_path());
    let (received, sent) = (after.rtp_in - before.rtp_in, after.rtp_out - before.rtp_out);
    assert!(received >= packets_in && sent >= packets_out, "{received} in, {sent} out");
    let allocations = tally.allocations - tally_before.allocations;
    println!("{received} packets in, {sent} out, {allocations} allocations");
    assert_eq!(allocations, 0, "after {received} packets in and {sent} out");
}

#[test]
fn the_counter_counts() {
    let (kept, tally) = count(|| vec![0u8; 1000]);
    assert_eq!(tally, Tally { allocations: 1, kept: 1000 });
    let ((), tally) = count(|| drop(kept));
    assert_eq!(tally, Tally { allocations: 0, kept: -1000 });
}

#[test]
fn joining_allocates_so_the_counter_sees_the_media_core() {
    let mut world = World::new(1);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(1));
    assert!(world.media_path().allocations > 0, "first packets take the first chunks of the rings");
}

#[test]
fn one_to_ten_allocates_nothing() {
    let mut world = World::new(2);
    let mut bots = vec![world.join(participant(1, 1, &TALKING), Link::default())];
    bots.extend((2..=11).map(|number| world.join(participant(1, number, &[]), Link::default())));
    warm(&mut world, &bots);
    assert_steady(&mut world, 2_000, 20_000);
}

#[test]
fn a_call_of_two_allocates_nothing() {
    let mut world = World::new(3);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    warm(&mut world, &bots);
    assert_steady(&mut world, 4_000, 4_000);
}

#[test]
fn a_call_of_three_with_simulcast_allocates_nothing() {
    let mut world = World::new(4);
    let tracks = [SentTrack::MICROPHONE, SentTrack::SIMULCAST_CAMERA];
    let bots = [1, 2, 3].map(|number| world.join(participant(1, number, &tracks), Link::default()));
    warm(&mut world, &bots);
    assert_steady(&mut world, 4_000, 4_000);
}

#[test]
fn a_room_on_two_workers_allocates_nothing_on_either() {
    let mut world = World::with_workers(5, 2);
    let tracks = [SentTrack::MICROPHONE, SentTrack::SIMULCAST_CAMERA];
    let mut bots = vec![world.join_at(0, participant(1, 1, &tracks), Link::default())];
    bots.push(world.join_at(1, participant(1, 2, &TALKING), Link::default()));
    bots.extend((3..=6).map(|number| world.join_at(number % 2, participant(1, number as u64, &[]), Link::default())));
    warm(&mut world, &bots);
    let linked = |world: &World| [0, 1].map(|worker| world.counters_of(worker).link_in);
    let before = linked(&world);
    assert_steady(&mut world, 4_000, 8_000);
    let passed: Vec<u64> = linked(&world).iter().zip(before).map(|(now, before)| now - before).collect();
    assert!(passed.iter().all(|packets| *packets > 2_000), "{passed:?} packets over the links");
}
