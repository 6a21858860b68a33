//! One relay: the pure co-browse core of its shares, and the sockets around each.

mod seats;
mod verbs;

use super::assets;
use super::said::{FromStream, Said, Seat, ToStream};
use super::streams::{Admitted, Outlet, Streams};
use super::tally::Tally;
use crate::metrics::Metrics;
use crate::protocol::{ASSET_FRAME, FromSharer, FromViewer, ShareByeReason, ToSharer, ToViewer};
use crate::signaling::{Holder, ShareCommand, ShareEvent};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillside_cobrowse::Relay;
use tillside_cobrowse::relay::{Event, ShareId, Why};
use tokio::sync::{Notify, mpsc};

/// How often grants that have run out are looked for, and metrics told. A verb is checked against its grant's end
/// anyway.
const TICK: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct Task {
    relay: Relay,
    shares: BTreeMap<ShareId, Streams>,
    /// Streams whose socket had no room.
    waiting: BTreeSet<Seat>,
    room: Arc<Notify>,
    events: mpsc::Sender<(ShareId, ShareEvent)>,
    /// Events of this turn.
    news: Vec<(ShareId, ShareEvent)>,
    metrics: Arc<Metrics>,
    tally: Tally,
}

impl Task {
    pub(super) fn new(events: mpsc::Sender<(ShareId, ShareEvent)>, metrics: Arc<Metrics>, room: Arc<Notify>) -> Self {
        Self {
            relay: Relay::default(),
            shares: BTreeMap::new(),
            waiting: BTreeSet::new(),
            room,
            events,
            news: Vec::new(),
            metrics,
            tally: Tally::default(),
        }
    }

    /// Runs until nobody can send commands any more.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<(ShareId, ShareCommand)>,
        mut streams: mpsc::Receiver<FromStream>,
    ) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                // A pause or a revocation must not wait behind what it forbids.
                biased;
                command = commands.recv() => match command {
                    Some((share, command)) => self.guarded(share, |task| task.handle_command(share, command)),
                    None => return,
                },
                () = self.room.notified() => self.fill_waiting(),
                _ = tick.tick() => self.handle_tick(),
                Some(said) = streams.recv() => self.guarded(said.seat().share, |task| task.handle_stream(said)),
            }
            for news in self.news.drain(..) {
                // The switchboard has stopped: so will this.
                let _ = self.events.send(news).await;
            }
        }
    }

    /// A defect that one page brings to light ends that page's share, and no other.
    fn guarded(&mut self, id: ShareId, turn: impl FnOnce(&mut Self)) {
        if std::panic::catch_unwind(AssertUnwindSafe(|| turn(self))).is_err() {
            tracing::error!(share = id.0, "a defect ended a share");
            self.relay.forget(id);
            self.shares.remove(&id);
            self.news.push((id, ShareEvent::Unfollowable));
        }
    }

    fn handle_command(&mut self, id: ShareId, command: ShareCommand) {
        let now = now();
        match command {
            ShareCommand::Open(opening) => {
                // Numbers are never used twice, and signaling keeps to the limit.
                if self.relay.request(now, id, opening.policy.clone()).is_ok() {
                    self.shares.insert(id, Streams::new(*opening));
                    let _ = self.relay.consent(id);
                }
            }
            ShareCommand::Resume => {
                let _ = self.relay.consent(id);
            }
            ShareCommand::Pause(why) => {
                let _ = self.relay.pause(id, why);
            }
            ShareCommand::End { why, bye } => self.end(id, why, bye),
            ShareCommand::Admit { viewer, public, name } => {
                if let Some(streams) = self.shares.get_mut(&id) {
                    streams.viewers.insert(viewer, Admitted::new(public, name));
                }
            }
            ShareCommand::Expel { viewer, bye } => {
                self.relay.remove_viewer(id, viewer);
                let admitted = self.shares.get_mut(&id).and_then(|streams| streams.viewers.remove(&viewer));
                if let Some(outlet) = admitted.and_then(|admitted| admitted.outlet) {
                    outlet.bye(bye);
                }
            }
            ShareCommand::Grant { viewer, rung, duration } => {
                if let Ok(rung) = self.relay.grant(now, id, viewer, rung, duration) {
                    self.news.push((id, ShareEvent::Granted { viewer, rung, duration }));
                }
            }
            ShareCommand::Revoke => {
                let _ = self.relay.revoke(id);
            }
        }
        self.settle(id, None);
    }

    /// Forgets a share. Its viewers get its last words first, as far as their sockets have room.
    fn end(&mut self, id: ShareId, why: Why, bye: ShareByeReason) {
        let _ = self.relay.end(id, why);
        self.fill(id);
        if let Some(counters) = self.relay.counters(id) {
            self.tally.keep(counters);
        }
        self.relay.forget(id);
        let Some(streams) = self.shares.remove(&id) else { return };
        let viewers = streams.viewers.into_values().filter_map(|viewer| viewer.outlet);
        for outlet in streams.sharer.into_iter().chain(viewers) {
            outlet.bye(bye);
        }
    }

    fn handle_tick(&mut self) {
        self.relay.handle_timeout(now());
        self.handle_events(None);
        let live = self.shares.keys().filter_map(|id| self.relay.counters(*id));
        let asset_bytes = self.shares.values().map(|streams| streams.assets.bytes()).sum();
        self.tally.tell(&self.metrics, live, asset_bytes);
    }

    fn handle_stream(&mut self, said: FromStream) {
        let (seat, seq) = match said {
            FromStream::Attach(seat, outbox) => {
                self.attach(seat, Outlet::new(seat.stream, outbox));
                (seat, None)
            }
            // Whoever has lost its seat is not heard any more.
            FromStream::Frame(seat, _) | FromStream::Said(seat, _) | FromStream::Detach(seat)
                if !self.shares.get(&seat.share).is_some_and(|streams| streams.is_seated(seat)) =>
            {
                return;
            }
            FromStream::Frame(seat, frame) => {
                self.handle_frame(seat.share, frame);
                (seat, None)
            }
            FromStream::Said(seat, said) => (seat, self.handle_said(seat, said)),
            FromStream::Detach(seat) => {
                self.detach(seat);
                (seat, None)
            }
        };
        self.settle(seat.share, seq);
    }

    /// A record is read where it lies if nobody else holds its memory, and zeroed.
    fn handle_frame(&mut self, id: ShareId, frame: Bytes) {
        if frame.first() == Some(&ASSET_FRAME) {
            return self.handle_asset(id, &frame);
        }
        match frame.try_into_mut() {
            Ok(mut own) => self.relay.handle_record(now(), id, &mut own),
            Err(shared) => self.relay.handle_record(now(), id, &mut shared.to_vec()),
        }
    }

    fn handle_asset(&mut self, id: ShareId, frame: &[u8]) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        let result = match streams.images {
            true => streams.assets.take(frame).map_or_else(assets::AssetError::label, |_| "ok"),
            false => "policy",
        };
        self.metrics.cobrowse("tillside_cobrowse_assets_total", &[("result", result)], 1);
    }

    /// Takes a text frame. Gives the number of the verb in it, if there is one.
    fn handle_said(&mut self, seat: Seat, said: Said) -> Option<u64> {
        match (seat.holder, said) {
            (Holder::Sharer, Said::Sharer(FromSharer::Outcome { viewer, seq, result })) => {
                self.handle_outcome(seat.share, &viewer, seq, result);
                None
            }
            (Holder::Sharer, Said::RoundTrip(round_trip)) => {
                self.handle_round_trip(seat.share, round_trip);
                None
            }
            (Holder::Viewer(viewer), Said::Viewer(FromViewer::Verb { verb })) => {
                let bytes = serde_json::to_vec(&verb).expect("a verb that was read can be written");
                self.relay.handle_verb(now(), seat.share, viewer, &bytes);
                Some(verb.seq)
            }
            (Holder::Viewer(viewer), Said::Viewer(FromViewer::Want { asset })) => {
                let admitted = self.shares.get_mut(&seat.share).and_then(|streams| streams.viewers.get_mut(&viewer));
                if let (Some(admitted), Some(name)) = (admitted, assets::name_of(&asset)) {
                    admitted.want(name);
                }
                None
            }
            // Pings and pongs are the socket's own affair.
            _ => None,
        }
    }

    fn handle_round_trip(&mut self, id: ShareId, round_trip: Duration) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        let sharer_ms = u32::try_from(round_trip.as_millis() / 2).unwrap_or(u32::MAX);
        streams.sharer_ms = Some(sharer_ms);
        for viewer in streams.seeing().map(|(viewer, _)| viewer).collect::<Vec<_>>() {
            streams.say_to_viewer(viewer, &ToViewer::Delay { sharer_ms });
        }
    }

    /// Carries out what the core asks for, then gives the share's sockets what they have room for.
    fn settle(&mut self, id: ShareId, seq: Option<u64>) {
        self.handle_events(seq);
        self.fill(id);
    }

    /// `seq`: the number of the verb that was just handled.
    fn handle_events(&mut self, seq: Option<u64>) {
        while let Some((id, event)) = self.relay.poll_event() {
            match event {
                Event::SnapshotWanted { reason } => {
                    self.metrics.cobrowse("tillside_cobrowse_snapshots_wanted_total", &[("reason", reason.name())], 1);
                    if let Some(streams) = self.shares.get_mut(&id) {
                        streams.say_to_sharer(&ToSharer::Snapshot { reason });
                    }
                }
                Event::Synced { .. } => {}
                Event::Paused { .. } => self.news.push((id, ShareEvent::Paused)),
                Event::Resumed => self.news.push((id, ShareEvent::Resumed)),
                Event::Ended { .. } => self.news.push((id, ShareEvent::Unfollowable)),
                Event::Verb { viewer, verb, guard } => self.pass_verb(id, viewer, verb, guard),
                Event::VerbRefused { viewer, refusal } => {
                    self.tell_outcome(id, viewer, seq.unwrap_or_default(), "refused", refusal.into());
                }
                Event::GrantEnded { viewer, why } => self.news.push((id, ShareEvent::GrantEnded { viewer, why })),
            }
        }
    }

    /// Goes on with streams whose socket had no room before.
    fn fill_waiting(&mut self) {
        let shares: BTreeSet<ShareId> = std::mem::take(&mut self.waiting).into_iter().map(|seat| seat.share).collect();
        shares.into_iter().for_each(|share| self.fill(share));
    }

    /// Gives every socket of a share what it has room for. Nothing is taken from the core before there is room, so
    /// that it can coalesce what waits, and send a fresh snapshot instead of too much.
    fn fill(&mut self, id: ShareId) {
        let Some(streams) = self.shares.get_mut(&id) else { return };
        if let Some(sharer) = &mut streams.sharer {
            let seat = Seat { share: id, holder: Holder::Sharer, stream: sharer.stream };
            while let Some(permit) = reserve(&sharer.outbox, seat, &mut self.waiting) {
                let Some(text) = sharer.words.pop_front() else { break };
                permit.send(ToStream::Text(text));
            }
        }
        for (viewer, stream) in streams.seeing().collect::<Vec<_>>() {
            let seat = Seat { share: id, holder: Holder::Viewer(viewer), stream };
            let outlet = streams.viewers.get(&viewer).and_then(|admitted| admitted.outlet.as_ref());
            let Some(outbox) = outlet.map(|outlet| outlet.outbox.clone()) else { continue };
            while let Some(permit) = reserve(&outbox, seat, &mut self.waiting) {
                let words = streams.viewers.get_mut(&viewer).and_then(|admitted| admitted.outlet.as_mut());
                let next = words
                    .and_then(|outlet| outlet.words.pop_front())
                    .map(ToStream::Text)
                    .or_else(|| {
                        self.relay.poll_viewer(id, viewer).map(|page| ToStream::Binary(Bytes::from_owner(page)))
                    })
                    .or_else(|| streams.next_asset(viewer).map(ToStream::Binary));
                let Some(next) = next else { break };
                permit.send(next);
            }
        }
    }
}

/// Room for one more frame; without any, the stream is noted as waiting. A socket that is gone says so itself.
fn reserve<'a>(
    outbox: &'a mpsc::Sender<ToStream>,
    seat: Seat,
    waiting: &mut BTreeSet<Seat>,
) -> Option<mpsc::Permit<'a, ToStream>> {
    match outbox.try_reserve() {
        Ok(permit) => Some(permit),
        Err(mpsc::error::TrySendError::Full(())) => {
            waiting.insert(seat);
            None
        }
        Err(mpsc::error::TrySendError::Closed(())) => None,
    }
}

#[allow(clippy::disallowed_methods)] // the shell reads the clock for the core
fn now() -> Instant {
    Instant::now()
}
