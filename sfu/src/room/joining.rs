//! Offers: from a client's session description to a participant with publications and slots.

use super::participant::{Downlink, Negotiation, Participant, Streams, Uplink};
use super::publication::Publication;
use super::slot::Slot;
use super::{Change, Context, Room};
use crate::command::{Event, Join, ReOffer, RefuseError, Track};
use crate::config::ROOM_PARTICIPANTS_MAX;
use crate::demux::ParticipantKey;
use crate::ice::{LocalCredentials, SLOTS_MAX, UfragRoute};
use crate::id::{Mid, ParticipantId, PublicationId};
use crate::rtp::Ssrc;
use crate::sdp::{self, LocalDescription, MediaKind, Msid, Negotiated, NegotiatedMedia, Offer, SlotDescription};
use crate::stream::bandwidth::BandwidthEstimate;
use crate::stream::clock::PublisherClock;
use crate::stream::report::Rtt;
use crate::stream::rewrite::Start;
use crate::stream::twcc::{TwccRecorder, TwccSender};
use crate::transport::{Rate, Transport};
use rand::RngExt;

/// Sequence numbers a receiver may ask for per second (SEC-12): a tenth of 5 Mbit/s of video in full packets is 50.
const NACKS_PER_SECOND: u32 = 500;

/// User name fragments of one participant: the transport answers to the newest, and to the one that works while the
/// newest does not yet.
const UFRAGS_MAX: usize = 3;

impl Room {
    /// Lets a participant in, or refuses it without a trace.
    pub(crate) fn join(&mut self, context: &mut Context<'_>, join: Join) {
        let participant = join.participant;
        if let Err(error) = self.try_join(context, join) {
            context.events.push_back(Event::Refused { participant, n: 1, error });
        }
    }

    fn try_join(&mut self, context: &mut Context<'_>, join: Join) -> Result<(), RefuseError> {
        if self.participants.len() >= ROOM_PARTICIPANTS_MAX {
            return Err(RefuseError::RoomFull);
        }
        let credentials = new_credentials(context);
        let ufrag: Box<str> = credentials.ufrag().into();
        let mut negotiation = Negotiation {
            session_id: context.rng.random::<u64>() >> 1,
            answers: 0,
            cname: format!("{:016x}", context.rng.random::<u64>()),
            purpose: join.purpose,
            offer: join.offer.outline(),
        };
        let negotiated = negotiation.answer(context, &join.offer, &credentials, &[]);
        check_tracks(&join.tracks, &negotiated.media)?;

        let fingerprint = *join.offer.fingerprint();
        let transport = Transport::new(context.now, &context.config.acceptor, credentials, fingerprint);
        let key = ParticipantKey(self.participants.insert(Participant {
            id: join.participant,
            transport,
            priority: join.priority,
            subscribes: join.subscribe,
            ready: join.purpose == sdp::Purpose::Play,
            connected: false,
            publications: Vec::new(),
            slots: Vec::new(),
            playing: Vec::new(),
            slots_changed: false,
            reports_arrivals: false,
            streams: Streams::default(),
            uplink: Uplink {
                extensions: negotiated.received_extensions.clone(),
                twcc: TwccRecorder::new(context.time),
                newest_ssrc: Ssrc(0),
                clock: PublisherClock::default(),
                ssrc: Ssrc(context.rng.random()),
                reference_time: None,
            },
            downlink: Downlink {
                twcc: TwccSender::default(),
                bandwidth: BandwidthEstimate::new(),
                remb: None,
                report_rtt: Rtt::default(),
                fraction_lost: 0,
            },
            nacks: Rate::full(context.now, NACKS_PER_SECOND, NACKS_PER_SECOND),
            ufrags: vec![ufrag.clone()],
            negotiation: Box::new(negotiation),
            report_at: context.now,
            empty_report_at: context.now,
            told_score: 0,
            told_slots: Vec::new(),
        }));
        self.changes.push_back(Change::Joined(join.participant, key));
        self.changes.push_back(Change::UfragAdded(key, ufrag));
        context.events.push_back(answered(join.participant, 1, &negotiated));
        self.adopt(context, key, &negotiated, &join.tracks);
        Ok(())
    }

    /// A later offer: more or other m-lines, an ICE restart, or both.
    pub(crate) fn re_offer(&mut self, context: &mut Context<'_>, key: ParticipantKey, offer: ReOffer) {
        let (participant, n) = (offer.participant, offer.n);
        if let Err(error) = self.try_re_offer(context, key, offer) {
            context.events.push_back(Event::Refused { participant, n, error });
        }
    }

    fn try_re_offer(
        &mut self,
        context: &mut Context<'_>,
        key: ParticipantKey,
        offer: ReOffer,
    ) -> Result<(), RefuseError> {
        let participant = &mut self.participants[key.0];
        let changes = offer.offer.changes_since(&participant.negotiation.offer).map_err(|_| RefuseError::MediaLines)?;
        check_re_offer(&offer.tracks, &offer.offer)?;
        if changes.ice_restart {
            let credentials = new_credentials(context);
            let ufrag: Box<str> = credentials.ufrag().into();
            self.changes.push_back(Change::UfragAdded(key, ufrag.clone()));
            participant.ufrags.push(ufrag);
            if participant.ufrags.len() > UFRAGS_MAX {
                self.changes.push_back(Change::UfragRemoved(participant.ufrags.remove(0)));
            }
            participant.transport.restart_ice(credentials);
        }
        participant.negotiation.offer = offer.offer.outline();
        let Participant { negotiation, transport, slots, .. } = participant;
        let known: Vec<SlotDescription> = slots.iter().map(Slot::description).collect();
        let negotiated = negotiation.answer(context, &offer.offer, transport.local_credentials(), &known);
        participant.uplink.extensions = negotiated.received_extensions.clone();
        context.events.push_back(answered(offer.participant, offer.n, &negotiated));
        self.adopt(context, key, &negotiated, &offer.tracks);
        if let Some(at) = self.participants[key.0].transport.poll_timeout() {
            self.wake(key, at);
        }
        Ok(())
    }

    /// Brings publications and slots in line with an answer.
    fn adopt(&mut self, context: &mut Context<'_>, key: ParticipantKey, negotiated: &Negotiated, tracks: &[Track]) {
        let slots = negotiated.media.iter().filter(|media| media.slot().is_some()).count();
        let known = &mut self.participants[key.0].slots;
        known.reserve_exact(slots.saturating_sub(known.len()));
        for media in &negotiated.media {
            self.adopt_publication(key, media, tracks);
            self.adopt_slot(context, key, media);
        }
        if self.participants[key.0].publications.is_empty() {
            self.place_for(context, key);
        } else {
            self.place_all(context);
        }
        if let Some(at) = self.participants[key.0].transport.poll_timeout() {
            self.wake(key, at);
        }
    }

    fn adopt_publication(&mut self, key: ParticipantKey, media: &NegotiatedMedia, tracks: &[Track]) {
        let participant = &self.participants[key.0];
        let known = participant.publications.iter().copied().find(|own| self.publications[own.0].id.mid == media.mid);
        let track = tracks.iter().find(|track| track.mid == media.mid);
        match (known, media.publishing().and(track)) {
            (None, Some(track)) => {
                let id = PublicationId { participant: participant.id, mid: media.mid };
                let publication = self.publish(Publication::new(id, key, participant.priority, track, media));
                self.participants[key.0].publications.push(publication);
            }
            (Some(publication), Some(track)) => {
                self.publications[publication.0].renegotiate(media, track);
                self.announce(publication);
            }
            (Some(publication), None) => {
                self.unpublish(publication);
                let participant = &mut self.participants[key.0];
                participant.publications.retain(|own| *own != publication);
                participant.streams.forget(publication);
            }
            (None, None) => {}
        }
    }

    fn adopt_slot(&mut self, context: &mut Context<'_>, key: ParticipantKey, media: &NegotiatedMedia) {
        let participant = &mut self.participants[key.0];
        match (participant.slot(media.mid), media.slot()) {
            (None, Some(slot)) => {
                let start = Start {
                    sequence: context.rng.random(),
                    timestamp: context.rng.random(),
                    picture_id: context.rng.random(),
                    tl0: context.rng.random(),
                };
                participant.slots.push(Slot::new(media, slot, start));
            }
            (Some(known), Some(slot)) => known.renegotiate(media, slot),
            (Some(_), None) => {
                participant.slots.retain(|slot| slot.mid != media.mid);
                participant.arrange();
            }
            (None, None) => {}
        }
    }
}

impl Negotiation {
    /// The answer to an offer. Slots that are `known` keep their SSRCs, others get new ones.
    fn answer(
        &mut self,
        context: &mut Context<'_>,
        offer: &Offer,
        credentials: &LocalCredentials,
        known: &[SlotDescription],
    ) -> Negotiated {
        self.answers += 1;
        let slots = slot_descriptions(context, offer, known);
        let ice = sdp::IceCredentials { ufrag: credentials.ufrag().to_owned(), password: credentials.pwd().to_owned() };
        let local = LocalDescription {
            purpose: self.purpose,
            ice: &ice,
            fingerprint: &context.config.acceptor.fingerprint(),
            candidates: &context.config.candidates,
            session_id: self.session_id,
            session_version: self.answers,
            cname: &self.cname,
            slots: &slots,
        };
        sdp::answer(offer, &local)
    }
}

/// Slots of both kinds are paired by their order, so that the browser keeps the first voice and the first picture in
/// sync, which in a call of two is the other one's (libwebrtc synchronises within an msid's stream).
fn slot_descriptions(context: &mut Context<'_>, offer: &Offer, known: &[SlotDescription]) -> Vec<SlotDescription> {
    let mut slots: Vec<SlotDescription> = Vec::new();
    let (mut audio, mut video) = (0, 0);
    for media in offer.media().iter().filter(|media| media.wants_slot()) {
        let count = if media.kind == MediaKind::Audio { &mut audio } else { &mut video };
        let msid = Msid { stream: format!("slots{count}"), track: format!("slot{}", media.mid) };
        *count += 1;
        let old = known.iter().find(|slot| slot.mid == media.mid).map(|slot| (slot.ssrc, slot.rtx_ssrc));
        let (ssrc, rtx_ssrc) =
            old.unwrap_or_else(|| (unused_ssrc(context, &slots, known), unused_ssrc(context, &slots, known)));
        slots.push(SlotDescription { mid: media.mid, ssrc, rtx_ssrc, msid });
    }
    slots
}

fn unused_ssrc(context: &mut Context<'_>, slots: &[SlotDescription], known: &[SlotDescription]) -> u32 {
    loop {
        let ssrc = context.rng.random();
        let used = |slot: &SlotDescription| slot.ssrc == ssrc || slot.rtx_ssrc == ssrc;
        if ssrc != 0 && !slots.iter().chain(known).any(used) {
            return ssrc;
        }
    }
}

fn new_credentials(context: &mut Context<'_>) -> LocalCredentials {
    let slot = context.rng.random_range(0..SLOTS_MAX);
    LocalCredentials::generate(UfragRoute { worker: context.config.worker, slot }, context.rng)
}

fn check_tracks(tracks: &[Track], media: &[NegotiatedMedia]) -> Result<(), RefuseError> {
    let sends = |mid: Mid| media.iter().any(|media| media.mid == mid && media.publishing().is_some());
    tracks.iter().find(|track| !sends(track.mid)).map_or(Ok(()), |track| Err(RefuseError::Track(track.mid)))
}

fn check_re_offer(tracks: &[Track], offer: &Offer) -> Result<(), RefuseError> {
    let sends = |mid: Mid| offer.media().iter().any(|media| media.mid == mid && media.direction.sends());
    tracks.iter().find(|track| !sends(track.mid)).map_or(Ok(()), |track| Err(RefuseError::Track(track.mid)))
}

fn answered(participant: ParticipantId, n: u32, negotiated: &Negotiated) -> Event {
    Event::Answered { participant, n, answer: negotiated.sdp.as_str().into() }
}
