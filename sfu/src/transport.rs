//! One participant's association with us: ICE, DTLS and SRTP, from the first check to the last packet.
//!
//! Owns the order of the three: nothing but STUN is taken from a path before a check has validated it, no media before
//! the handshake has proven the certificate, nothing at all after the end. Knows nothing of what the packets carry.
//!
//! The owner keeps the table from 5-tuple to transport: it follows [`TransportEvent::Path`], hands each datagram of a
//! known 5-tuple to the method of its kind, and drains [`Transport::poll_event`] afterwards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dtls::{DtlsAcceptor, DtlsEvent, DtlsFailure, DtlsVersion, Fingerprint, Handshake};
use crate::ice::{Consent, IceAgent, LocalCredentials, PathChange};
use crate::sends::{NetPath, Sends};
use crate::srtp::{NewSsrc, OpenedRtp, SrtpError, SrtpKeys, SrtpOpener, SrtpProfile, SrtpSealer};

mod counters;
mod early;
mod rate;

use early::EarlyPackets;
pub(crate) use rate::Rate;

pub use counters::TransportCounters;
pub use early::{EARLY_BYTES_MAX, EARLY_PACKETS_MAX, EarlyPacket};

/// Time from the answer to being connected. A browser that has the answer needs a second or two; one on a bad network
/// finds its path within the time it is itself willing to wait.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(30);
/// Packets of unknown streams per second that may fail to authenticate before unknown streams are refused unread
/// (SEC-07). Genuine new streams authenticate at the first attempt and cost nothing.
pub const FAILED_SSRCS_PER_SECOND: u32 = 8;

/// What the owner of a transport must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportEvent {
    /// The table of 5-tuples must follow.
    Path(PathChange),
    /// The certificate is proven and media flows. Early packets wait in [`Transport::poll_early`].
    Connected {
        /// What media is sealed with.
        srtp: SrtpProfile,
        /// The version of the handshake.
        dtls: DtlsVersion,
    },
    /// It is over, for good; nothing is sent or taken any more. Always the last event.
    Ended(EndReason),
}

/// Why a transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The handshake failed.
    Dtls(DtlsFailure),
    /// Not connected after [`CONNECT_DEADLINE`].
    ConnectTimedOut,
    /// No authenticated check for [`crate::ice::CONSENT_EXPIRY`].
    ConsentExpired,
    /// The client closed the association.
    ClosedByPeer,
}

/// See the module's description.
pub struct Transport {
    ice: IceAgent,
    /// Gone when nothing of the handshake is needed any more: an idle participant should cost little.
    handshake: Option<Box<Handshake>>,
    stage: Stage,
    failed_ssrcs: Rate,
    events: VecDeque<TransportEvent>,
    counters: TransportCounters,
}

enum Stage {
    Connecting { deadline: Instant, early: EarlyPackets },
    Connected { media: Box<Media>, early: EarlyPackets },
    Ended,
}

struct Media {
    opener: SrtpOpener,
    sealer: SrtpSealer,
}

impl Transport {
    /// A transport that waits for its participant, whose offer announced the certificate fingerprint `expected`.
    ///
    /// The participant's own ICE credentials are not needed: a lite agent never sends a check, and its answers are
    /// proven with its own password.
    #[must_use]
    pub fn new(now: Instant, acceptor: &Arc<DtlsAcceptor>, local: LocalCredentials, expected: Fingerprint) -> Self {
        Self {
            ice: IceAgent::new(now, local),
            handshake: Some(Box::new(Handshake::new(Arc::clone(acceptor), expected))),
            stage: Stage::Connecting { deadline: now + CONNECT_DEADLINE, early: EarlyPackets::default() },
            failed_ssrcs: Rate::full(now, FAILED_SSRCS_PER_SECOND, FAILED_SSRCS_PER_SECOND),
            events: VecDeque::new(),
            counters: TransportCounters::default(),
        }
    }

    /// The credentials of the latest answer.
    #[must_use]
    pub fn local_credentials(&self) -> &LocalCredentials {
        self.ice.credentials()
    }

    /// ICE restart: `local` goes into the answer. The association and its media go on over the old path meanwhile.
    pub fn restart_ice(&mut self, local: LocalCredentials) {
        self.ice.restart(local);
    }

    /// The path's TCP connection was closed. Another path takes over, or the client comes back within its consent.
    pub fn remove_path(&mut self, path: NetPath) {
        if !self.is_ended() {
            self.ice.remove_path(path);
            self.follow_paths();
        }
    }

    /// Takes a datagram that looks like STUN, from any address.
    pub fn handle_stun(&mut self, now: Instant, from: NetPath, datagram: &[u8], out: &mut Sends) {
        if self.is_ended() {
            self.counters.after_end += 1;
            return;
        }
        let result = self.ice.handle_check(now, from, datagram, out);
        self.counters.count_check(result);
        self.follow_paths();
    }

    /// Takes a datagram that looks like DTLS.
    pub fn handle_dtls(&mut self, now: Instant, from: NetPath, datagram: &[u8], out: &mut Sends) {
        if !self.admits(from) {
            return;
        }
        let Some(to) = self.ice.sending_path() else { return };
        let taken = self.handshake.as_mut().is_some_and(|handshake| handshake.handle_datagram(now, to, datagram, out));
        if !taken {
            self.counters.dtls_dropped += 1;
        }
        self.follow_handshake();
    }

    /// Opens an SRTP packet in place. `None` is a counted drop, or an early packet that was put aside.
    #[inline]
    pub fn open_rtp(&mut self, now: Instant, from: NetPath, packet: &mut [u8]) -> Option<OpenedRtp> {
        if !self.admits(from) {
            return None;
        }
        let Stage::Connected { media, .. } = &mut self.stage else {
            self.keep_early(now, from, packet);
            return None;
        };
        let mut opened = media.opener.open_rtp(packet, NewSsrc::Refuse);
        if opened == Err(SrtpError::NotAdmitted) && self.failed_ssrcs.allows(now) {
            opened = media.opener.open_rtp(packet, NewSsrc::Admit);
            if opened.is_err() {
                self.failed_ssrcs.take(now);
            }
        }
        opened.map_err(|error| self.counters.count_media(error)).ok()
    }

    /// Opens an SRTCP packet in place and returns its plaintext's length. `None` as for [`Transport::open_rtp`].
    pub fn open_rtcp(&mut self, now: Instant, from: NetPath, packet: &mut [u8]) -> Option<usize> {
        if !self.admits(from) {
            return None;
        }
        let Stage::Connected { media, .. } = &mut self.stage else {
            self.keep_early(now, from, packet);
            return None;
        };
        media.opener.open_rtcp(packet).map_err(|error| self.counters.count_media(error)).ok()
    }

    /// Where and with what to seal media, once connected and as long as the client consents.
    #[inline]
    pub fn sending(&mut self) -> Option<(NetPath, &mut SrtpSealer)> {
        let path = self.ice.sending_path()?;
        let Stage::Connected { media, .. } = &mut self.stage else { return None };
        Some((path, &mut media.sealer))
    }

    /// The next of the packets that came before the handshake was complete, once it is. To be handled as if it came
    /// now: a client is connected half a round trip before us, so these are its first words.
    pub fn poll_early(&mut self) -> Option<EarlyPacket> {
        let Stage::Connected { early, .. } = &mut self.stage else { return None };
        early.pop()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        let event = self.events.pop_front();
        if event.is_none() {
            // Events are rare: the queue's own memory is given back meanwhile.
            self.events = VecDeque::new();
        }
        event
    }

    /// When [`Transport::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = match &self.stage {
            Stage::Connecting { deadline, .. } => Some(*deadline),
            Stage::Connected { .. } => None,
            Stage::Ended => return None,
        };
        let handshake = self.ice.sending_path().and(self.handshake.as_ref()).and_then(|it| it.poll_timeout());
        [Some(self.ice.poll_timeout()), deadline, handshake].into_iter().flatten().min()
    }

    /// Does what is due: repeats handshake flights, lets paths and consent expire.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Sends) {
        if self.is_ended() {
            return;
        }
        let consent = self.ice.handle_timeout(now);
        self.follow_paths();
        if consent == Consent::Expired {
            return self.end(EndReason::ConsentExpired);
        }
        // Without a path there is nobody to repeat a flight to, and no timer for it; the deadlines still hold.
        if let (Some(handshake), Some(to)) = (&mut self.handshake, self.ice.sending_path()) {
            handshake.handle_timeout(now, to, out);
            self.follow_handshake();
        }
        if let Stage::Connecting { deadline, .. } = self.stage
            && deadline <= now
        {
            self.end(EndReason::ConnectTimedOut);
        }
    }

    /// The paths that lead to the participant, for the owner that must forget them with the transport.
    pub fn paths(&self) -> impl Iterator<Item = NetPath> {
        self.ice.paths()
    }

    /// Whether the transport has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// What was dropped and why.
    #[must_use]
    pub fn counters(&self) -> &TransportCounters {
        &self.counters
    }

    /// The owner's table should never let a stranger's datagram get here; this is the second lock on the same door
    /// (SEC-01, SEC-02).
    fn admits(&mut self, from: NetPath) -> bool {
        if self.is_ended() {
            self.counters.after_end += 1;
            return false;
        }
        let validated = self.ice.is_validated(from);
        if !validated {
            self.counters.stranger += 1;
        }
        validated
    }

    #[cold]
    fn keep_early(&mut self, now: Instant, from: NetPath, packet: &[u8]) {
        if let Stage::Connecting { early, .. } = &mut self.stage {
            self.counters.early_dropped += early.push(now, from, packet);
        }
    }

    fn follow_paths(&mut self) {
        while let Some(change) = self.ice.poll_change() {
            self.events.push_back(TransportEvent::Path(change));
        }
    }

    fn follow_handshake(&mut self) {
        let Some(handshake) = &mut self.handshake else { return };
        match handshake.poll_event() {
            Some(DtlsEvent::Connected { version, keys }) => self.connect(version, &keys),
            Some(DtlsEvent::Failed(failure)) => return self.end(EndReason::Dtls(failure)),
            Some(DtlsEvent::Closed) => return self.end(EndReason::ClosedByPeer),
            None => {}
        }
        if self.handshake.as_ref().is_some_and(|handshake| handshake.is_over()) {
            self.handshake = None;
        }
    }

    fn connect(&mut self, dtls: DtlsVersion, keys: &SrtpKeys) {
        let Stage::Connecting { early, .. } = &mut self.stage else {
            unreachable!("a handshake is completed once");
        };
        let early = std::mem::take(early);
        let media = Media { opener: SrtpOpener::new(&keys.theirs), sealer: SrtpSealer::new(&keys.ours) };
        self.stage = Stage::Connected { media: Box::new(media), early };
        self.events.push_back(TransportEvent::Connected { srtp: keys.profile, dtls });
    }

    fn end(&mut self, reason: EndReason) {
        assert!(!self.is_ended(), "a transport ends once");
        self.stage = Stage::Ended;
        self.handshake = None;
        self.events.push_back(TransportEvent::Ended(reason));
    }
}

#[cfg(test)]
mod tests;
