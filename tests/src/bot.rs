//! A participant without a person: a whole WebRTC endpoint in virtual time, sending marked media and judging what it
//! gets.
//!
//! Sans-IO like the server: datagrams, the answer and the time in; datagrams and deadlines out. Everything but DTLS is
//! written here or by the `rtc` family, not by the media core, so that a mistake of the core is not made twice.

pub mod answer;
pub mod ice;
pub mod offer;
pub mod packet;
pub mod publisher;
pub mod reception;
pub mod secure;

use crate::marker::Origin;
use answer::Answer;
use ice::Ice;
use offer::{Credentials, OPUS, VP8};
use packet::Incoming;
use publisher::{Publisher, PublisherConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use reception::Reception;
use rtc::rtcp::packet::Packet as RtcpPacket;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use secure::{BotIdentity, Secure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tillside_sfu::command::Source;
use tillside_sfu::id::{ParticipantId, RoomId};

/// Between sender reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// SRTP kept while the handshake is not over; it may overtake the last flight.
const EARLY_MAX: usize = 64;

/// A track that a bot sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentTrack {
    /// What it is.
    pub source: Source,
    /// Its simulcast encodings, smallest first; empty: a single one.
    pub rids: &'static [&'static str],
}

impl SentTrack {
    /// A microphone.
    pub const MICROPHONE: Self = Self { source: Source::Microphone, rids: &[] };
    /// A camera without simulcast.
    pub const CAMERA: Self = Self { source: Source::Camera, rids: &[] };
    /// A camera in three sizes.
    pub const SIMULCAST_CAMERA: Self = Self { source: Source::Camera, rids: &["q", "h", "f"] };

    fn is_audio(self) -> bool {
        self.source == Source::Microphone
    }
}

/// What a bot is.
#[derive(Clone, Debug)]
pub struct BotConfig {
    /// Where it goes.
    pub room: RoomId,
    /// Who it is.
    pub participant: ParticipantId,
    /// What it sends, in m-line order.
    pub tracks: Vec<SentTrack>,
    /// Slots for sound.
    pub audio_slots: usize,
    /// Slots for pictures.
    pub video_slots: usize,
}

/// See the module.
pub struct Bot {
    config: BotConfig,
    identity: BotIdentity,
    rng: ChaCha12Rng,
    credentials: Credentials,
    /// SSRCs of media and of retransmissions, for each encoding of each track.
    ssrcs: Vec<(u32, u32)>,
    offers: u32,
    session: Option<Session>,
    /// What it sends.
    pub publishers: Vec<Publisher>,
    /// What it receives, by m-line.
    pub receptions: BTreeMap<u8, Reception>,
    /// Transport-wide feedback received for what it sends.
    pub transport_feedback: u32,
    /// Sender reports received.
    pub sender_reports: u32,
    /// Receiver reports received.
    pub receiver_reports: u32,
    next_report: Option<Instant>,
    /// Counts all packets it sends, for transport-wide feedback.
    transport_number: u16,
    out: Vec<Vec<u8>>,
}

/// What there is once the answer is known.
struct Session {
    server: SocketAddr,
    ice: Ice,
    secure: Option<Secure>,
    fingerprint: String,
    ssrcs: BTreeMap<u32, (u8, bool)>,
    early: Vec<Vec<u8>>,
    early_audit: Vec<Vec<u8>>,
}

impl Bot {
    /// A bot that has not joined. Everything random about it comes from `seed`.
    #[must_use]
    pub fn new(config: BotConfig, identity: BotIdentity, seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let text = |rng: &mut ChaCha12Rng, length: usize| -> String {
            (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
        };
        let credentials = Credentials { ufrag: text(&mut rng, 4), password: text(&mut rng, 24) };
        let encodings = config.tracks.iter().map(|track| track.rids.len().max(1)).sum();
        let ssrcs = (0..encodings).map(|_| (rng.random(), rng.random())).collect();
        Self {
            config,
            identity,
            rng,
            credentials,
            ssrcs,
            offers: 0,
            session: None,
            publishers: Vec::new(),
            receptions: BTreeMap::new(),
            transport_feedback: 0,
            sender_reports: 0,
            receiver_reports: 0,
            next_report: None,
            transport_number: 0,
            out: Vec::new(),
        }
    }

    /// What it is.
    #[must_use]
    pub fn config(&self) -> &BotConfig {
        &self.config
    }

    /// Its next offer.
    pub fn offer(&mut self) -> String {
        self.offers += 1;
        offer::write(&self.config, &self.credentials, &self.identity.fingerprint(), &self.ssrcs, self.offers)
    }

    /// Offers written so far.
    #[must_use]
    pub fn offers(&self) -> u32 {
        self.offers
    }

    /// Takes the answer to its first offer and begins to connect.
    ///
    /// # Panics
    /// When the answer is not one to this offer.
    pub fn handle_answer(&mut self, now: Instant, sdp: &str) {
        let answer = Answer::parse(sdp).unwrap_or_else(|missing| panic!("{missing} in the answer:\n{sdp}"));
        let lines = self.config.tracks.len() + self.config.audio_slots + self.config.video_slots;
        assert_eq!(answer.lines.len(), lines, "an answer has the m-lines of its offer");
        assert!(answer.lines.iter().all(|line| !line.refused), "nothing of the offer is refused:\n{sdp}");
        let ssrcs = answer.ssrcs();
        let provider = self.identity.provider();
        self.receptions =
            ssrcs.values().filter(|(_, rtx)| !rtx).map(|(line, _)| (*line, Reception::default())).collect();
        self.session = Some(Session {
            server: *answer.candidates.first().expect("an answer has a candidate"),
            ice: Ice::new(now, self.credentials.clone(), answer.ice, provider),
            secure: None,
            fingerprint: answer.fingerprint,
            ssrcs,
            early: Vec::new(),
            early_audit: Vec::new(),
        });
    }

    /// Whether ICE and DTLS are done.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.publishers.is_empty() || (self.config.tracks.is_empty() && self.next_report.is_some())
    }

    /// Whether the server closed the DTLS association.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.as_ref().and_then(|session| session.secure.as_ref()).is_some_and(Secure::is_closed)
    }

    /// When the server last proved that it is there.
    #[must_use]
    pub fn last_ice_success(&self) -> Option<Instant> {
        self.session.as_ref()?.ice.last_success()
    }

    /// The reception in the first slot of a kind that ever got something.
    #[must_use]
    pub fn first_reception(&self, audio: bool) -> Option<&Reception> {
        let first_audio = self.config.tracks.len();
        let first_video = first_audio + self.config.audio_slots;
        self.receptions
            .iter()
            .filter(|(line, _)| (usize::from(**line) < first_video) == audio)
            .map(|(_, reception)| reception)
            .find(|reception| reception.packets > 0)
    }

    /// What an SSRC of the server's is for: the slot's m-line, whether it is sound, whether it is for retransmissions.
    #[must_use]
    pub fn slot_of(&self, ssrc: u32) -> Option<(u8, bool, bool)> {
        let (line, is_rtx) = *self.session.as_ref()?.ssrcs.get(&ssrc)?;
        let is_audio = usize::from(line) < self.config.tracks.len() + self.config.audio_slots;
        Some((line, is_audio, is_rtx))
    }

    /// SRTP keys, for tests that forge or capture packets.
    pub fn keys(&mut self) -> Option<&mut secure::Keys> {
        self.session.as_mut()?.secure.as_mut()?.keys()
    }

    /// Takes a datagram from the server.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return };
        match bytes.first() {
            Some(0..=3) => self.handle_stun(now, bytes),
            Some(20..=63) => {
                if let Some(secure) = &mut session.secure {
                    secure.handle_datagram(now, bytes, &mut self.out);
                    self.start_media(now);
                }
            }
            Some(128..=191) => self.handle_protected(now, bytes),
            _ => {}
        }
    }

    /// Says goodbye by DTLS.
    pub fn close(&mut self, now: Instant) {
        if let Some(secure) = self.session.as_mut().and_then(|session| session.secure.as_mut()) {
            secure.close(now, &mut self.out);
        }
    }

    /// When [`Bot::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let session = self.session.as_ref()?;
        [Some(session.ice.poll_timeout()), session.secure.as_ref().and_then(Secure::poll_timeout), self.next_report]
            .into_iter()
            .chain(self.publishers.iter().map(|publisher| Some(publisher.poll_timeout())))
            .chain(self.receptions.values().map(Reception::poll_timeout))
            .flatten()
            .min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(session) = &mut self.session else { return };
        self.out.extend(session.ice.poll_check(now, &mut self.rng));
        if let Some(secure) = &mut session.secure {
            secure.handle_timeout(now, &mut self.out);
        }
        self.start_media(now);
        let mut packets = Vec::new();
        let number = &mut self.transport_number;
        self.publishers.iter_mut().for_each(|publisher| publisher.handle_timeout(now, number, &mut packets));
        self.send_rtp(&packets);
        self.send_nacks(now);
        self.send_reports(now);
    }

    /// The next datagram to the server, and where to.
    pub fn poll_send(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let server = self.session.as_ref()?.server;
        (!self.out.is_empty()).then(|| (server, self.out.remove(0)))
    }

    /// Shows the bot's eavesdropper a datagram in the moment it leaves the server. Gives the RTP packets that can be
    /// read now, without their protection: this one, and earlier ones that came before the keys.
    pub fn audit(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Some(session) = &mut self.session else { return Vec::new() };
        let is_rtp = bytes.len() > 12 && bytes[0] >> 6 == 2 && !(192..224).contains(&bytes[1]);
        if is_rtp {
            session.early_audit.push(bytes.to_vec());
        }
        let Some(keys) = session.secure.as_mut().and_then(Secure::keys) else { return Vec::new() };
        let waiting = std::mem::take(&mut session.early_audit);
        waiting
            .iter()
            .map(|bytes| keys.audit.decrypt_rtp(bytes).expect("the server seals with the negotiated keys").to_vec())
            .collect()
    }

    fn handle_stun(&mut self, now: Instant, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return };
        let succeeded = session.ice.handle_datagram(now, session.server, bytes, &mut self.out);
        if succeeded && session.secure.is_none() {
            let mut secure = Secure::new(now, &self.identity, session.fingerprint.clone());
            secure.handle_timeout(now, &mut self.out);
            session.secure = Some(secure);
        }
    }

    fn start_media(&mut self, now: Instant) {
        let Some(session) = &mut self.session else { return };
        let has_keys = session.secure.as_mut().is_some_and(|secure| secure.keys().is_some());
        if !has_keys || self.next_report.is_some() {
            return;
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        let mut ssrcs = self.ssrcs.iter();
        for (line, track) in (0u8..).zip(&self.config.tracks) {
            let rids = if track.rids.is_empty() { vec![None] } else { track.rids.iter().copied().map(Some).collect() };
            for (encoding, rid) in (0u8..).zip(rids) {
                self.publishers.push(Publisher::new(PublisherConfig {
                    origin: Origin { participant: self.config.participant, line, encoding },
                    room: self.config.room,
                    rid,
                    is_audio: track.is_audio(),
                    ssrcs: *ssrcs.next().expect("one pair for each encoding"),
                    sequence: self.rng.random(),
                    timestamp: self.rng.random(),
                    start: now,
                }));
            }
        }
        for bytes in std::mem::take(&mut session.early) {
            self.handle_protected(now, &bytes);
        }
    }

    fn handle_protected(&mut self, now: Instant, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return };
        let Some(keys) = session.secure.as_mut().and_then(Secure::keys) else {
            if session.early.len() < EARLY_MAX {
                session.early.push(bytes.to_vec());
            }
            return;
        };
        if bytes.len() > 1 && (192..224).contains(&bytes[1]) {
            // A repeated datagram fails its replay check: that is the network's doing.
            if let Ok(plain) = keys.incoming.decrypt_rtcp(bytes) {
                self.handle_rtcp(&plain);
            }
            return;
        }
        let Ok(plain) = keys.incoming.decrypt_rtp(bytes) else { return };
        let packet = Incoming::parse(&plain).expect("what the server seals is RTP");
        let Some(&(line, is_rtx)) = session.ssrcs.get(&packet.ssrc) else {
            panic!("the server sent on SSRC {:x}, which its answer did not announce", packet.ssrc);
        };
        let reception = self.receptions.entry(line).or_default();
        match packet.payload {
            [high, low, payload @ ..] if is_rtx => {
                reception.handle_packet(now, u16::from_be_bytes([*high, *low]), payload, true);
            }
            payload if !is_rtx => {
                assert!([OPUS, VP8].contains(&packet.payload_type), "payload type {}", packet.payload_type);
                reception.handle_packet(now, packet.sequence, payload, false);
            }
            _ => {}
        }
    }

    fn handle_rtcp(&mut self, mut plain: &[u8]) {
        let packets = rtc::rtcp::packet::unmarshal(&mut plain).expect("what the server seals is RTCP");
        let mut resent = Vec::new();
        for packet in packets {
            let packet = packet.as_any();
            if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                self.publisher(pli.media_ssrc, Publisher::request_keyframe);
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                fir.fir.iter().for_each(|entry| self.publisher(entry.ssrc, Publisher::request_keyframe));
            } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                for sequence in nack.nacks.iter().flat_map(|pair| pair.packet_list()) {
                    let mut number = self.transport_number;
                    self.publisher(nack.media_ssrc, |publisher| publisher.resend(sequence, &mut number, &mut resent));
                    self.transport_number = number;
                }
            } else if let Some(feedback) = packet.downcast_ref::<TransportLayerCc>() {
                // libwebrtc drops feedback that names an SSRC which it does not send.
                self.publisher(feedback.media_ssrc, |_| {});
                self.transport_feedback += 1;
            } else if packet.downcast_ref::<SenderReport>().is_some() {
                self.sender_reports += 1;
            } else if packet.downcast_ref::<ReceiverReport>().is_some() {
                self.receiver_reports += 1;
            }
        }
        self.send_rtp(&resent);
    }

    fn publisher(&mut self, ssrc: u32, act: impl FnOnce(&mut Publisher)) {
        let publisher = self.publishers.iter_mut().find(|publisher| publisher.ssrc() == ssrc);
        act(publisher.unwrap_or_else(|| panic!("feedback for SSRC {ssrc:x}, which is none of this bot's")));
    }

    fn send_rtp(&mut self, packets: &[Vec<u8>]) {
        let Some(keys) = self.session.as_mut().and_then(|session| session.secure.as_mut()?.keys()) else { return };
        for packet in packets {
            self.out.push(keys.outgoing.encrypt_rtp(packet).expect("a packet can be sealed").to_vec());
        }
    }

    fn send_rtcp(&mut self, packets: &[Box<dyn RtcpPacket>]) {
        let Some(keys) = self.session.as_mut().and_then(|session| session.secure.as_mut()?.keys()) else { return };
        let mut plain = Vec::new();
        packets.iter().for_each(|packet| plain.extend_from_slice(&packet.marshal().expect("a report can be written")));
        self.out.push(keys.outgoing.encrypt_rtcp(&plain).expect("a report can be sealed").to_vec());
    }

    fn send_nacks(&mut self, now: Instant) {
        let Some(session) = &self.session else { return };
        let media: BTreeMap<u8, u32> =
            session.ssrcs.iter().filter(|(_, (_, rtx))| !rtx).map(|(ssrc, (line, _))| (*line, *ssrc)).collect();
        let mut nacks: Vec<Box<dyn RtcpPacket>> = Vec::new();
        for (line, reception) in &mut self.receptions {
            let missing = reception.poll_nacks(now);
            let has_rtx = session.ssrcs.values().any(|(of, rtx)| of == line && *rtx);
            if !missing.is_empty() && has_rtx {
                let nacks_of_line = nack_pairs_from_sequence_numbers(&missing);
                nacks.push(Box::new(TransportLayerNack {
                    sender_ssrc: 1,
                    media_ssrc: media[line],
                    nacks: nacks_of_line,
                }));
            }
        }
        if !nacks.is_empty() {
            self.send_rtcp(&nacks);
        }
    }

    fn send_reports(&mut self, now: Instant) {
        if self.next_report.is_none_or(|due| now < due) {
            return;
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        let seconds = (now - crate::clock::start_of_time()).as_secs_f64();
        let reports: Vec<Box<dyn RtcpPacket>> = self
            .publishers
            .iter()
            .filter(|publisher| publisher.active && publisher.packets() > 0)
            .map(|publisher| -> Box<dyn RtcpPacket> {
                Box::new(SenderReport {
                    ssrc: publisher.ssrc(),
                    ntp_time: (seconds * f64::from(u32::MAX)) as u64,
                    rtp_time: publisher.timestamp(),
                    packet_count: publisher.packets() as u32,
                    octet_count: (publisher.packets() * 60) as u32,
                    ..SenderReport::default()
                })
            })
            .collect();
        if !reports.is_empty() {
            self.send_rtcp(&reports);
        }
    }
}
