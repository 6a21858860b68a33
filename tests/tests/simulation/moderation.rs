//! Muting, and who may receive.

use std::time::Duration;
use tillside_sfu::command::Command;
use tillside_sfu::id::{Mid, ParticipantId, PublicationId};
use tillside_tests::bot::SentTrack;
use tillside_tests::network::Link;
use tillside_tests::world::{BotId, World, participant};

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];

fn call(seed: u64) -> (World, [BotId; 2]) {
    let mut world = World::new(seed);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(3));
    (world, bots)
}

fn publication(participant: u64, line: &str) -> PublicationId {
    let mid = Mid::parse(line.as_bytes()).expect("a mid");
    PublicationId { participant: ParticipantId(participant), mid }
}

#[test]
fn a_muted_track_is_not_forwarded_though_it_is_still_sent() {
    for (line, is_audio) in [("0", true), ("1", false)] {
        let (mut world, bots) = call(1);
        let packets = |world: &World, audio| world.bot(bots[0]).first_reception(audio).expect("plays").packets;
        world.command(Command::Mute(publication(2, line), true));
        world.run_for(Duration::from_millis(200));
        let muted = packets(&world, is_audio);
        world.run_for(Duration::from_secs(5));
        assert_eq!(packets(&world, is_audio), muted, "audio: {is_audio}");
        assert!(
            world
                .bot(bots[0])
                .first_reception(!is_audio)
                .expect("plays")
                .is_live(world.now(), Duration::from_millis(100))
        );

        world.command(Command::Mute(publication(2, line), false));
        world.run_until("it is back", Duration::from_secs(1), |world| packets(world, is_audio) > muted + 5);
    }
}

#[test]
fn a_camera_that_stops_by_itself_is_back_soon_after_it_starts_again() {
    let (mut world, bots) = call(2);
    for publisher in &mut world.bot_mut(bots[1]).publishers {
        publisher.active = false;
    }
    world.run_for(Duration::from_secs(20));
    let packets = |world: &World| world.bot(bots[0]).first_reception(false).expect("played").packets;
    let before = packets(&world);
    for publisher in &mut world.bot_mut(bots[1]).publishers {
        publisher.active = true;
    }
    world.run_until("pictures come again", Duration::from_secs(1), |world| packets(world) > before + 5);
}

#[test]
fn an_observer_receives_and_nobody_notices_it() {
    let (mut world, bots) = call(3);
    let observer = world.join(participant(1, 9, &[]), Link::default());
    world.run_until("the observer hears and sees both", Duration::from_secs(2), |world| {
        world.bot(observer).receptions.values().filter(|slot| slot.packets > 5).count() == 4
    });
    let played = |bot| world.bot(bot).receptions.values().filter(|slot| slot.packets > 0).count();
    assert_eq!(bots.map(played), [2, 2]);
}

#[test]
fn whoever_only_sends_gets_nothing() {
    let (mut world, _) = call(4);
    let mut config = participant(1, 9, &TALKING);
    (config.audio_slots, config.video_slots) = (0, 0);
    let sender = world.join(config, Link::default());
    world.run_until_connected(&[sender]);
    world.run_for(Duration::from_secs(2));
    assert!(world.bot(sender).receptions.is_empty());
    assert!(world.bot(sender).publishers.iter().all(|publisher| publisher.packets() > 20));
}
