use super::harness::*;
use crate::protocol::{Desk, ServerMessage};
use serde_json::json;
use std::time::Duration;

fn last_desk(messages: &[ServerMessage]) -> Option<Desk> {
    messages.iter().rev().find_map(|message| match message {
        ServerMessage::Desk(desk) => Some(desk.clone()),
        _ => None,
    })
}

fn positions(messages: &[ServerMessage]) -> Vec<u32> {
    let positions = messages.iter().filter_map(|message| match message {
        ServerMessage::Waiting(waiting) => Some(waiting.position),
        _ => None,
    });
    positions.collect()
}

const SOON: Duration = Duration::from_secs(1);

#[test]
fn shoppers_wait_in_the_order_they_came_and_are_told_when_it_is_over() {
    let mut world = World::new();
    let first = world.hello(&shopper("Mara", "a"));
    let told = world.join(&first, "a");
    assert_eq!(positions(&told), [1]);
    world.wait(SOON);
    let second = world.hello(&shopper("Max", "b"));
    world.join(&second, "b");
    world.wait(SOON);
    assert_eq!(positions(&world.take(&second)), [2]);
    world.take(&first);

    let jon = world.inside(&agent("Jon"), "a");
    world.wait(SOON);
    assert_eq!(positions(&world.take(&first)), [0]);
    assert_eq!(positions(&world.take(&second)), [1]);

    world.send(jon.socket, &json!({ "t": "leave" }));
    world.wait(SOON);
    assert_eq!(positions(&world.take(&first)), [1], "it came first, so it is first again");
    assert_eq!(positions(&world.take(&second)), [2]);
}

#[test]
fn agents_see_who_waits_longest_first_and_only_their_tenant() {
    let mut world = World::new();
    let jon = world.hello(&agent("Jon"));
    let rita = world.hello(&agent("Rita").of_rival());
    let shopper_of_room = world.hello(&shopper("Mara", "a"));
    world.join(&shopper_of_room, "a");
    world.wait(SOON);
    world.inside(&shopper("Max", "b"), "b");
    world.inside(&agent("Lea"), "b");
    world.wait(Duration::from_secs(3));
    let desk = last_desk(&world.take(&jon)).unwrap();
    let rooms: Vec<_> =
        desk.rooms.iter().map(|room| (room.room.as_str(), room.shopper.as_str(), room.agents.len())).collect();
    assert_eq!(rooms, [("a", "Mara", 0), ("b", "Max", 1)]);
    assert_eq!(last_desk(&world.take(&rita)).map(|desk| desk.rooms.len()), Some(0));
    assert!(last_desk(&world.take(&shopper_of_room)).is_none(), "shoppers see no desk");

    let late = world.hello(&agent("Ida"));
    let desk = last_desk(&world.take(&late)).unwrap();
    assert_eq!(desk.rooms[0].for_s, 4, "who comes later sees the desk at once, and how long it has been");
}

#[test]
fn a_rush_of_shoppers_is_not_a_rush_of_lists() {
    let mut world = World::new();
    let jon = world.hello(&agent("Jon"));
    world.wait(SOON);
    world.take(&jon);
    for n in 0..100 {
        world.inside(&shopper("Mara", &format!("room-{n}")), &format!("room-{n}"));
    }
    world.wait(SOON);
    let told = world.take(&jon);
    let lists = told.iter().filter(|message| matches!(message, ServerMessage::Desk(_))).count();
    assert!(lists <= 2, "{lists}");
    assert_eq!(last_desk(&told).unwrap().rooms.len(), 100);
}
