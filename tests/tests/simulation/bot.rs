//! Proves the instrument before it measures: a bot talks to a peer connection of the `rtc` family, an implementation that shares nothing
//! with the media core. What later fails against the core is then not the bot's fault.

use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::net::SocketAddr;
use std::time::Duration;
use tillside_sfu::id::{ParticipantId, RoomId};
use tillside_tests::bot::secure::BotIdentity;
use tillside_tests::bot::{Bot, BotConfig, SentTrack};
use tillside_tests::clock::start_of_time;
use tillside_tests::marker::Marker;

#[test]
fn a_bot_connects_to_an_independent_peer_and_its_marks_arrive() {
    let bot_address: SocketAddr = ([192, 0, 2, 10], 1000).into();
    let peer_address: SocketAddr = ([192, 0, 2, 20], 2000).into();
    let mut now = start_of_time();
    let mut bot = Bot::new(
        BotConfig {
            room: RoomId(1),
            participant: ParticipantId(2),
            tracks: vec![SentTrack::MICROPHONE, SentTrack::CAMERA],
            audio_slots: 0,
            video_slots: 0,
        },
        BotIdentity::new(),
        1,
    );
    let mut peer = answering_peer(now, peer_address);
    let offer = RTCSessionDescription::offer(bot.offer()).expect("the bot's offer is readable");
    peer.set_remote_description(now, offer).expect("the bot's offer is acceptable");
    let answer = peer.create_answer(None).expect("an answer");
    peer.set_local_description(now, answer).expect("its own answer");
    let answer = peer.local_description().expect("was set");
    bot.handle_answer(now, &answer.sdp);

    let mut marks: Vec<Marker> = Vec::new();
    let lines = |marks: &[Marker], line| marks.iter().filter(|mark| mark.line == line).count();
    let deadline = now + Duration::from_secs(5);
    while (lines(&marks, 0) < 20 || lines(&marks, 1) < 20) && now < deadline {
        now += Duration::from_millis(1);
        bot.handle_timeout(now);
        while let Some((_, bytes)) = bot.poll_send() {
            let transport = TransportContext {
                local_addr: peer_address,
                peer_addr: bot_address,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            // A peer connection reports what it does not want yet as errors; they are not this test's matter.
            let _ = peer.handle_read(TaggedBytesMut { now, transport, message: BytesMut::from(&bytes[..]) });
        }
        if peer.poll_timeout().is_some_and(|due| due <= now) {
            peer.handle_timeout(now).expect("timers");
        }
        while peer.poll_event().is_some() {}
        while let Some(message) = peer.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = message.message {
                marks.extend(Marker::find(&packet.payload));
            }
        }
        while let Some(datagram) = peer.poll_write() {
            bot.handle_datagram(now, &datagram.message);
        }
    }
    assert!(bot.is_connected());
    assert!(lines(&marks, 0) >= 20 && lines(&marks, 1) >= 20, "{} packets, {:?}", marks.len(), marks.last());
    assert!(marks.iter().all(|mark| mark.participant == ParticipantId(2) && mark.room == RoomId(1)));
}

fn answering_peer(now: std::time::Instant, address: SocketAddr) -> RTCPeerConnection {
    let mut media = MediaEngine::default();
    media.register_default_codecs().expect("the defaults");
    // As lite as the media core is, so that the bot alone checks; and the DTLS server, as it is.
    let settings = SettingEngineBuilder::new().with_lite(true).with_answering_dtls_role(RTCDtlsRole::Server).build();
    let registry = register_default_interceptors(Registry::new(), &mut media).expect("the defaults");
    let mut peer = RTCPeerConnectionBuilder::new()
        .with_setting_engine(settings)
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .build(now)
        .expect("a peer connection");
    let candidate = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    let candidate = candidate.new_candidate_host().expect("a host candidate");
    peer.add_local_candidate(RTCIceCandidate::from(&candidate).to_json().expect("a candidate line")).expect("added");
    peer
}
