//! The receiving side: finds a packet's index, refuses replays, opens in place.

use std::fmt;

use super::SrtpError;
use super::cipher::{RTCP_CLEAR_BYTES, RtcpCipher, RtpCipher};
use super::keys::MasterKey;
use super::replay::ReplayWindow;
use crate::rtp::{ExtendedSequence, RtpHeader, RtpPacket, SequenceNumber, Ssrc};

/// Streams of one session, and senders of RTCP likewise. A browser that sends audio, a camera in three encodings and a
/// screen, each with RTX, has ten; the rest is for replaced tracks over a long call.
pub const SSRCS_PER_SESSION_MAX: usize = 64;

/// Longest packet opened on its first sight, which is when a copy of it is needed. No path of the Internet delivers
/// more.
const FIRST_PACKET_MAX: usize = 2048;

/// Whether a packet may be the first of its stream.
///
/// A packet of an unknown stream costs up to two attempts at opening, so callers limit how often an unknown stream is
/// tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewSsrc {
    /// Try to authenticate it.
    Admit,
    /// Drop it unread.
    Refuse,
}

/// A packet that was opened in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRtp {
    /// Its header, now authentic.
    pub header: RtpHeader,
    /// Its sequence number with the roll-over counter that authenticated it.
    pub sequence: ExtendedSequence,
    /// Length of the plaintext packet, which starts where the sealed one did.
    pub len: usize,
    /// Whether this is the first packet of its stream in this session.
    pub is_first: bool,
}

/// Opens what one participant sends.
pub struct SrtpOpener {
    rtp_cipher: RtpCipher,
    rtcp_cipher: RtcpCipher,
    rtp_streams: Streams,
    rtcp_senders: Streams,
}

impl OpenedRtp {
    /// The plaintext packet, given the buffer it was opened in; `None` if its padding is malformed.
    #[inline]
    #[must_use]
    pub fn packet<'a>(&self, buffer: &'a [u8]) -> Option<RtpPacket<'a>> {
        RtpPacket::with_header(self.header, &buffer[..self.len])
    }
}

impl SrtpOpener {
    /// For packets sealed with this key: the participant's.
    #[must_use]
    pub fn new(theirs: &MasterKey) -> Self {
        Self {
            rtp_cipher: RtpCipher::new(theirs),
            rtcp_cipher: RtcpCipher::new(theirs),
            rtp_streams: Streams::default(),
            rtcp_senders: Streams::default(),
        }
    }

    /// Opens an SRTP packet in place. After an error the packet's bytes are worthless.
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`]; no state has changed then.
    #[inline]
    pub fn open_rtp(&mut self, packet: &mut [u8], new_ssrc: NewSsrc) -> Result<OpenedRtp, SrtpError> {
        let header = RtpHeader::parse(packet).ok_or(SrtpError::NotRtp)?;
        let len = packet.len().checked_sub(self.rtp_cipher.tag_len()).ok_or(SrtpError::TooShort)?;
        if len < header.len() {
            return Err(SrtpError::TooShort);
        }
        let Some(window) = self.rtp_streams.find(header.ssrc) else {
            return self.open_first(&header, packet, len, new_ssrc);
        };
        let sequence = estimate(window, header.sequence).ok_or(SrtpError::Replayed)?;
        if !self.rtp_cipher.open_in_place(header.ssrc.0, sequence.0, header.len(), packet) {
            return Err(SrtpError::Unauthenticated);
        }
        window.accept(sequence.0);
        Ok(OpenedRtp { header, sequence, len, is_first: false })
    }

    /// Opens the first packet of a stream: its roll-over counter is 0, or already 1 if the packets before the wrap were
    /// lost or overtaken. Opening destroys the ciphertext, so the second attempt works on a copy (media trap A2).
    #[cold]
    fn open_first(
        &mut self,
        header: &RtpHeader,
        packet: &mut [u8],
        len: usize,
        new_ssrc: NewSsrc,
    ) -> Result<OpenedRtp, SrtpError> {
        self.rtp_streams.check_room(new_ssrc)?;
        let mut copy = [0; FIRST_PACKET_MAX];
        let copy = copy.get_mut(..packet.len()).ok_or(SrtpError::TooLong)?;
        copy.copy_from_slice(packet);
        for roc in 0..=1 {
            let sequence = ExtendedSequence::new(roc, header.sequence);
            if self.rtp_cipher.open_in_place(header.ssrc.0, sequence.0, header.len(), packet) {
                self.rtp_streams.add(header.ssrc, ReplayWindow::starting_at(sequence.0));
                return Ok(OpenedRtp { header: *header, sequence, len, is_first: true });
            }
            packet.copy_from_slice(copy);
        }
        Err(SrtpError::Unauthenticated)
    }

    /// Opens an SRTCP packet in place and returns the length of the plaintext. After an error its bytes are worthless.
    ///
    /// # Errors
    ///
    /// Any [`SrtpError`]; no state has changed then.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let len = packet.len().checked_sub(self.rtcp_cipher.overhead()).ok_or(SrtpError::TooShort)?;
        if len < RTCP_CLEAR_BYTES {
            return Err(SrtpError::TooShort);
        }
        let &[flags, _, _, _, s0, s1, s2, s3, ..] = &*packet else { return Err(SrtpError::TooShort) };
        if flags >> 6 != 2 {
            return Err(SrtpError::NotRtp);
        }
        let ssrc = Ssrc(u32::from_be_bytes([s0, s1, s2, s3]));
        let index = self.rtcp_cipher.index_of(packet).ok_or(SrtpError::Unauthenticated)?;
        match self.rtcp_senders.find(ssrc) {
            Some(window) if !window.may_accept(u64::from(index)) => return Err(SrtpError::Replayed),
            Some(_) => {}
            None => self.rtcp_senders.check_room(NewSsrc::Admit)?,
        }
        if !self.rtcp_cipher.open_in_place(ssrc.0, index, packet) {
            return Err(SrtpError::Unauthenticated);
        }
        match self.rtcp_senders.find(ssrc) {
            Some(window) => window.accept(u64::from(index)),
            None => self.rtcp_senders.add(ssrc, ReplayWindow::starting_at(u64::from(index))),
        }
        Ok(len)
    }

    /// How many streams have been authenticated so far.
    #[must_use]
    pub fn ssrc_count(&self) -> usize {
        self.rtp_streams.ssrcs.len()
    }
}

/// Shows how much state there is, and no key.
impl fmt::Debug for SrtpOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpOpener")
            .field("rtp_streams", &self.rtp_streams.ssrcs.len())
            .field("rtcp_senders", &self.rtcp_senders.ssrcs.len())
            .finish_non_exhaustive()
    }
}

/// The index to try for a packet of a known stream (RFC 3711 §3.3.1); `None` if it must have been seen.
///
/// A number that seems to lie behind the window cannot be accepted as such, so the only way it can be genuine is a jump
/// ahead by more than half the number space: that is what is tried then.
#[inline]
fn estimate(window: &ReplayWindow, number: SequenceNumber) -> Option<ExtendedSequence> {
    const ROLL_OVER: u64 = 1 << 16;
    const INDEX_END: u64 = 1 << 48;
    let nearest = ExtendedSequence(window.newest()).nearest(number);
    let index = match nearest {
        Some(nearest) if window.may_accept(nearest.0) => nearest.0,
        Some(nearest) if window.is_too_old(nearest.0) => nearest.0 + ROLL_OVER,
        Some(_) => return None,
        // Before the first packet of all: again only a jump ahead can be genuine, and it stays in round 0.
        None => u64::from(number.0),
    };
    (index < INDEX_END).then_some(ExtendedSequence(index))
}

/// The windows of up to [`SSRCS_PER_SESSION_MAX`] streams. So few that a walk over the numbers beats any map.
#[derive(Default)]
struct Streams {
    ssrcs: Vec<Ssrc>,
    windows: Vec<ReplayWindow>,
}

impl Streams {
    #[inline]
    fn find(&mut self, ssrc: Ssrc) -> Option<&mut ReplayWindow> {
        let place = self.ssrcs.iter().position(|&known| known == ssrc)?;
        Some(&mut self.windows[place])
    }

    fn is_full(&self) -> bool {
        self.ssrcs.len() >= SSRCS_PER_SESSION_MAX
    }

    fn check_room(&self, new_ssrc: NewSsrc) -> Result<(), SrtpError> {
        match new_ssrc {
            NewSsrc::Refuse => Err(SrtpError::NotAdmitted),
            NewSsrc::Admit if self.is_full() => Err(SrtpError::TooManySsrcs),
            NewSsrc::Admit => Ok(()),
        }
    }

    fn add(&mut self, ssrc: Ssrc, window: ReplayWindow) {
        assert!(!self.is_full() && !self.ssrcs.contains(&ssrc));
        self.ssrcs.push(ssrc);
        self.windows.push(window);
    }
}
