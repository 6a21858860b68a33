//! One participant of the swarm: a connected UDP socket, a [`Link`], what it sends and what it receives.

use super::Tally;
use super::description::{Credentials, ExtensionIds, Kind, Payload, Remote};
use super::feedback::{Arrivals, FEEDBACK_INTERVAL, REPORT_INTERVAL, write_reports};
use super::link::{Identity, Keys, Link};
use super::reception::Reception;
use super::stamp::Stamp;
use super::stream::{Stream, StreamPlan};
use super::syscall::{self, Inbox, send_run};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tillside_sfu::rtcp::{Compound, CompoundWriter, RtcpPacket};
use tillside_sfu::rtp::vp8::Vp8Descriptor;
use tillside_sfu::rtp::{DatagramKind, RtpHeader, Ssrc, classify};
use tillside_sfu::srtp::{NewSsrc, SRTCP_OVERHEAD_MAX};

/// Asked of the kernel for each bot: half a second of a fast stream.
const SOCKET_BUFFER_BYTES: usize = 1 << 20;
/// Streams a bot receives; more would be a fault of the server.
const RECEPTIONS_MAX: usize = 64;
/// Longest RTCP packet we write, without what sealing adds.
const RTCP_BYTES_MAX: usize = 1_200;
/// Reads of one bot's socket before others are looked at.
const READS_PER_TURN: usize = 8;

/// What a bot is made from, once the server has answered.
pub(crate) struct Recruit {
    pub(crate) credentials: Credentials,
    pub(crate) remote: Remote,
    pub(crate) streams: Vec<StreamPlan>,
    /// How many streams it will receive.
    pub(crate) slots: usize,
    /// When its join began.
    pub(crate) began: Instant,
}

/// The moment, on all clocks that matter.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Nanoseconds since 1970.
    pub(super) wall: u64,
}

/// See the module.
pub(super) struct Bot {
    socket: Socket,
    link: Link,
    remote: Remote,
    plans: Vec<StreamPlan>,
    pub(super) streams: Vec<Stream>,
    pub(super) receptions: Vec<Reception>,
    slots: usize,
    arrivals: Arrivals,
    transport_number: u16,
    next_feedback: Option<Instant>,
    next_report: Option<Instant>,
    began: Instant,
    /// Times since the join began.
    pub(super) connected_after: Option<Duration>,
    pub(super) playing_after: Option<Duration>,
    pub(super) keyframe_after: Option<Duration>,
    control: Vec<Vec<u8>>,
}

impl Bot {
    pub(super) fn new(now: Instant, identity: &Identity, recruit: Recruit, runs: bool) -> io::Result<Self> {
        let Recruit { credentials, remote, streams, slots, began } = recruit;
        Ok(Self {
            socket: open(remote.address, runs)?,
            link: Link::new(now, identity, &credentials, &remote),
            remote,
            plans: streams,
            streams: Vec::new(),
            receptions: Vec::new(),
            slots,
            arrivals: Arrivals::default(),
            transport_number: 0,
            next_feedback: None,
            next_report: None,
            began,
            connected_after: None,
            playing_after: None,
            keyframe_after: None,
            control: Vec::new(),
        })
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.link.failure()
    }

    pub(super) fn profile(&mut self) -> Option<String> {
        self.link.keys().map(|keys| keys.profile.to_string())
    }

    /// Whether all it should receive has begun to arrive.
    pub(super) fn is_playing(&self) -> bool {
        self.connected_after.is_some() && self.receptions.len() >= self.slots
    }

    pub(super) fn poll_timeout(&self, paused: bool) -> Instant {
        let streams = self.streams.iter().filter(|_| !paused).map(Stream::poll_timeout);
        let reports = [self.next_feedback, self.next_report].into_iter().flatten();
        streams.chain(reports).fold(self.link.poll_timeout(), Instant::min)
    }

    /// Sends what is due.
    pub(super) fn handle_timeout(&mut self, moment: Moment, paused: bool, buffer: &mut Vec<u8>, tally: &mut Tally) {
        if moment.now >= self.link.poll_timeout() {
            self.link.handle_timeout(moment.now, &mut self.control);
            self.after_control(moment);
        }
        if !paused {
            self.send_media(moment, buffer, tally);
        }
        self.send_feedback(moment);
    }

    /// Reads what has arrived. True if there may be more.
    pub(super) fn handle_readable(&mut self, moment: Moment, inbox: &mut Inbox, tally: &mut Tally) -> bool {
        for _ in 0..READS_PER_TURN {
            let count = match inbox.receive(&self.socket) {
                Ok(count) => count,
                Err(error) => {
                    self.handle_io_error(&error);
                    return false;
                }
            };
            for index in 0..count {
                let arrival = inbox.arrival(index);
                let at = if arrival.at == 0 { moment.wall } else { arrival.at };
                for datagram in arrival.bytes.chunks_mut(arrival.segment.max(1)) {
                    self.handle_datagram(moment, at, datagram, tally);
                }
            }
            if !Inbox::is_full(count) {
                return false;
            }
        }
        true
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, moment: Moment) {
        self.link.close(moment.now, &mut self.control);
        self.after_control(moment);
    }

    fn handle_datagram(&mut self, moment: Moment, at: u64, datagram: &mut [u8], tally: &mut Tally) {
        match classify(datagram) {
            DatagramKind::Rtp => self.handle_rtp(moment, at, datagram, tally),
            DatagramKind::Rtcp => self.handle_rtcp(datagram),
            DatagramKind::Stun => {
                self.link.handle_stun(moment.now, datagram, &mut self.control);
                self.after_control(moment);
            }
            DatagramKind::Dtls => {
                self.link.handle_dtls(moment.now, datagram, &mut self.control);
                self.after_control(moment);
            }
            _ => {}
        }
    }

    /// Counts a packet by its header, which is in the clear, and opens one of several for its delay.
    fn handle_rtp(&mut self, moment: Moment, at: u64, packet: &mut [u8], tally: &mut Tally) {
        let Some(keys) = self.link.keys() else { return };
        let Some(header) = RtpHeader::parse(packet) else { return };
        let Some(Payload::Media(kind)) = self.remote.payload(header.payload_type.value()) else { return };
        if let Some(id) = self.remote.extensions.transport_cc
            && let Some(&[high, low]) = header.extensions(packet).find(id)
        {
            self.arrivals.note(u16::from_be_bytes([high, low]), (at / 1_000) as i64);
        }
        let known = self.receptions.iter().position(|reception| reception.ssrc == header.ssrc);
        if known.is_none() && self.receptions.len() >= RECEPTIONS_MAX {
            return;
        }
        let mut newcomer = known.is_none().then(|| Reception::new(header.ssrc, kind));
        let reception = match known {
            Some(index) => &mut self.receptions[index],
            None => newcomer.as_mut().expect("whoever is not known is new"),
        };
        let number = reception.number(header.sequence);
        // Until a packet sent after the mark has come, and while a keyframe is waited for, all are opened.
        let looks = !reception.has_begun() || !reception.keyframe_seen || number.is_multiple_of(tally.open_every);
        let bytes = packet.len() as u64;
        let counts = match looks.then(|| open_and_judge(keys, reception, packet, &header, at, tally)) {
            Some(Judgement::NotAuthentic) => return,
            Some(Judgement::BeforeTheMark) => false,
            Some(Judgement::Counts) | None => reception.count(number),
        };
        match counts {
            true => (tally.received, tally.received_bytes) = (tally.received + 1, tally.received_bytes + bytes),
            false => tally.stale += 1,
        }
        if reception.keyframe_seen && reception.kind == Kind::Video {
            self.keyframe_after.get_or_insert(moment.now - self.began);
        }
        if let Some(reception) = newcomer {
            self.playing_after.get_or_insert(moment.now - self.began);
            self.receptions.push(reception);
        }
    }

    fn handle_rtcp(&mut self, packet: &mut [u8]) {
        let Some(keys) = self.link.keys() else { return };
        let Ok(len) = keys.opener.open_rtcp(packet) else { return };
        for part in &mut Compound::new(&packet[..len]) {
            match part {
                RtcpPacket::PictureLoss(request) => request_keyframe(&mut self.streams, request.media),
                RtcpPacket::FullIntraRequest(request) => {
                    request.requests().for_each(|(media, _)| request_keyframe(&mut self.streams, media));
                }
                _ => {}
            }
        }
    }

    fn send_media(&mut self, moment: Moment, buffer: &mut Vec<u8>, tally: &mut Tally) {
        let Some(keys) = self.link.keys() else { return };
        for stream in &mut self.streams {
            while stream.poll_timeout() <= moment.now {
                buffer.clear();
                let size = stream.take_burst(moment.now, moment.wall, &mut self.transport_number, &keys.sealer, buffer);
                if send_run(&self.socket, buffer, size).is_err() {
                    tally.send_errors += 1;
                }
            }
        }
    }

    fn send_feedback(&mut self, moment: Moment) {
        let reports_due = self.next_report.is_some_and(|due| due <= moment.now);
        let feedback_due = self.next_feedback.is_some_and(|due| due <= moment.now);
        let Some(keys) = self.link.keys().filter(|_| reports_due || feedback_due) else { return };
        let mut packet = [0; RTCP_BYTES_MAX + SRTCP_OVERHEAD_MAX];
        let mut writer = CompoundWriter::new(&mut packet[..RTCP_BYTES_MAX]);
        if reports_due {
            self.next_report = Some(moment.now + REPORT_INTERVAL);
            write_reports(&mut writer, moment.now, moment.wall, &self.streams, &self.receptions);
        }
        if feedback_due {
            self.next_feedback = Some(moment.now + FEEDBACK_INTERVAL);
            let own = Ssrc(self.streams.first().map_or(1, Stream::ssrc));
            self.arrivals.write(&mut writer, own);
        }
        let len = writer.len();
        if len > 0
            && let Some(len) = keys.sealer.seal_rtcp(&mut packet, len)
        {
            let _ = self.socket.send(&packet[..len]);
        }
    }

    /// Sends what the link has written, and begins media when it is through.
    fn after_control(&mut self, moment: Moment) {
        for datagram in std::mem::take(&mut self.control) {
            if let Err(error) = self.socket.send(&datagram) {
                self.handle_io_error(&error);
            }
        }
        if self.connected_after.is_none() && self.link.keys().is_some() {
            self.connected_after = Some(moment.now - self.began);
            self.start_media(moment.now);
        }
    }

    fn start_media(&mut self, now: Instant) {
        let ids: ExtensionIds = self.remote.extensions;
        for plan in std::mem::take(&mut self.plans) {
            match self.remote.payload_type(plan.kind) {
                Some(payload_type) => self.streams.push(Stream::new(now, plan, payload_type, ids)),
                None => self.link.fail("the server's answer has no payload type for VP8 or Opus".to_owned()),
            }
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        self.next_feedback = self.remote.extensions.transport_cc.map(|_| now + FEEDBACK_INTERVAL);
    }

    fn handle_io_error(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            let address = self.remote.address;
            self.link.fail(format!("nobody listens at UDP {address}: is the server running, and the port open?"));
        }
    }
}

/// What opening a packet has shown.
enum Judgement {
    Counts,
    BeforeTheMark,
    NotAuthentic,
}

/// Opens a packet for its delay, and looks for the first keyframe.
fn open_and_judge(
    keys: &mut Keys,
    reception: &mut Reception,
    packet: &mut [u8],
    header: &RtpHeader,
    at: u64,
    tally: &mut Tally,
) -> Judgement {
    let Ok(opened) = keys.opener.open_rtp(packet, NewSsrc::Admit) else {
        tally.unauthentic += 1;
        return Judgement::NotAuthentic;
    };
    let payload = &packet[header.len()..opened.len];
    if !reception.keyframe_seen {
        let descriptor = Vp8Descriptor::parse(payload);
        reception.keyframe_seen = descriptor.and_then(|descriptor| descriptor.keyframe_size(payload)).is_some();
    }
    let Some(stamp) = Stamp::read(payload) else { return Judgement::Counts };
    if stamp.sent_at < tally.marked_at {
        return Judgement::BeforeTheMark;
    }
    tally.note_delay(at.saturating_sub(stamp.sent_at));
    Judgement::Counts
}

fn request_keyframe(streams: &mut [Stream], media: Ssrc) {
    if let Some(stream) = streams.iter_mut().find(|stream| stream.ssrc() == media.0) {
        stream.request_keyframe();
    }
}

fn open(remote: SocketAddr, runs: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    socket.connect(&remote.into())?;
    syscall::note_arrivals(&socket)?;
    if runs {
        syscall::take_runs(&socket)?;
    }
    Ok(socket)
}
