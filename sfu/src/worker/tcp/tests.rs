use super::acceptor::{Acceptor, AcceptorHandle};
use super::*;
use crate::id::WorkerId;
use crate::sends::DATAGRAM_MAX;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;

/// One worker with what it needs.
struct Worker {
    poller: Poller,
    connections: TcpConnections,
}

/// A node with two workers. A first message that begins with `w0` or `w1` names one of them.
struct Node {
    workers: Vec<Worker>,
    handle: AcceptorHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

fn worker_of_message(message: &[u8]) -> Option<WorkerId> {
    match message {
        [b'w', digit, ..] => Some(WorkerId(digit - b'0')),
        _ => None,
    }
}

impl Node {
    fn start() -> Self {
        let mut workers = Vec::new();
        let mut inboxes = Vec::new();
        for _ in 0..2 {
            let poller = Poller::new().expect("descriptors are left");
            let (connections, inbox) = TcpConnections::new(&poller).expect("descriptors are left");
            workers.push(Worker { poller, connections });
            inboxes.push(inbox);
        }
        let address = "127.0.0.1:0".parse().expect("literal");
        let acceptor = Acceptor::bind(address, inboxes, worker_of_message).expect("free ports");
        let handle = acceptor.handle().expect("it listens");
        Self { workers, handle, thread: Some(std::thread::spawn(move || acceptor.run())) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.handle.local_address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a live socket");
        stream
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.handle.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(Ok(())))) || std::thread::panicking());
    }
}

impl Worker {
    /// Waits for the next datagrams and copies them.
    fn receive(&mut self, now: Instant) -> Vec<(NetPath, Vec<u8>)> {
        let mut found = Vec::new();
        while found.is_empty() {
            self.turn(now);
            while let Some((path, bytes)) = self.connections.receive(now) {
                found.push((path, bytes.to_vec()));
            }
        }
        found
    }

    /// Waits for one report and passes it on.
    fn turn(&mut self, now: Instant) {
        let ready = self.poller.wait(Some(Duration::from_secs(10))).expect("epoll works");
        assert!(ready.inbox || !ready.tcp.is_empty(), "nothing came in time");
        if ready.inbox {
            self.connections.handle_accepted(now);
        }
        for ready in &ready.tcp {
            self.connections.handle_ready(now, ready);
        }
    }
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&u16::try_from(payload.len()).expect("short").to_be_bytes()[..], payload].concat()
}

fn slab(to: NetPath, payloads: &[&[u8]]) -> Sends {
    let mut sends = Sends::with_capacity(1024 * 1024, 512);
    for payload in payloads {
        assert!(sends.push(to, payload));
    }
    sends
}

#[test]
fn the_first_message_leads_to_its_worker() {
    let mut node = Node::start();
    let now = Instant::now();
    for (index, first) in [b"w0 hello", b"w1 hello"].into_iter().enumerate() {
        let mut client = node.connect();
        // In two pieces, a second message right behind.
        let bytes = [framed(first), framed(b"more")].concat();
        client.write_all(&bytes[..5]).expect("connected");
        client.write_all(&bytes[5..]).expect("connected");
        let worker = &mut node.workers[index];
        let mut received = worker.receive(now);
        while received.len() < 2 {
            received.extend(worker.receive(now));
        }
        assert_eq!(received.iter().map(|(_, bytes)| &bytes[..]).collect::<Vec<_>>(), [&first[..], b"more"]);
        let path = received[0].0;
        assert_eq!(path.remote(), client.local_addr().expect("connected"));

        let report = worker.connections.send(now, &slab(path, &[b"answer", b"media"]));
        assert_eq!(report, SendReport { sent: 2, ..SendReport::default() });
        let mut answer = [0; 15];
        client.read_exact(&mut answer).expect("connected");
        assert_eq!(answer[..], [framed(b"answer"), framed(b"media")].concat());
        assert_eq!(worker.connections.counters().opened, 1);
    }
}

#[test]
fn strangers_get_no_byte_and_are_closed() {
    let node = Node::start();
    let too_long = [0xff, 0xff, 0, 0];
    for first in [&framed(b"GET / HTTP/1.1")[..], &framed(b"w7 no such worker"), &too_long, &framed(b"")] {
        let mut client = node.connect();
        client.write_all(first).expect("connected");
        let mut answer = Vec::new();
        // A reset is as good as an end.
        let _ = client.read_to_end(&mut answer);
        assert!(answer.is_empty(), "SEC-08");
    }
    assert_eq!((node.handle.handed_over(), node.handle.refused()), (0, 4));
}

/// Connects a client to worker 0 and returns it with its path.
fn connected(node: &mut Node, now: Instant) -> (TcpStream, NetPath) {
    let mut client = node.connect();
    client.write_all(&framed(b"w0")).expect("connected");
    let path = node.workers[0].receive(now)[0].0;
    (client, path)
}

#[test]
fn a_slow_reader_loses_datagrams_and_then_its_connection() {
    let mut node = Node::start();
    let start = Instant::now();
    let (mut client, path) = connected(&mut node, start);
    let connections = &mut node.workers[0].connections;
    let full = slab(path, &[&[7; DATAGRAM_MAX][..]; 100]);
    let mut total = SendReport::default();
    while total.dropped == 0 {
        let report = connections.send(start, &full);
        (total.sent, total.dropped) = (total.sent + report.sent, total.dropped + report.dropped);
        assert!(total.sent < 1_000_000, "nothing bounds the queue");
    }
    connections.handle_timeout(start + STUCK_MAX / 2);
    assert_eq!(connections.len(), 1);
    connections.handle_timeout(start + STUCK_MAX);
    assert_eq!((connections.len(), connections.counters().stuck), (0, 1));
    assert_eq!(connections.send(start, &full).failed, 100);

    // What did arrive is whole frames up to where the connection was cut.
    let mut bytes = Vec::new();
    let _ = client.read_to_end(&mut bytes);
    for frame in bytes.chunks_exact(DATAGRAM_MAX + framing::PREFIX) {
        assert_eq!(frame, framed(&[7; DATAGRAM_MAX]));
    }
}

#[test]
fn a_reader_that_catches_up_gets_the_rest() {
    let mut node = Node::start();
    let now = Instant::now();
    let (mut client, path) = connected(&mut node, now);
    let worker = &mut node.workers[0];
    let sends = slab(path, &[&[7; DATAGRAM_MAX][..]; 100]);
    let mut sent = 0;
    loop {
        let report = worker.connections.send(now, &sends);
        sent += report.sent as usize;
        if report.dropped > 0 {
            break;
        }
    }
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; sent * (DATAGRAM_MAX + framing::PREFIX)];
        client.read_exact(&mut bytes).map(|()| bytes)
    });
    // Every wait ends with room to write; the last of the queue may have left with the report before.
    while !reader.is_finished() {
        let ready = worker.poller.wait(Some(Duration::from_millis(20))).expect("epoll works");
        for ready in &ready.tcp {
            worker.connections.handle_ready(now, ready);
        }
    }
    let bytes = reader.join().expect("no panic").expect("everything that was queued arrives");
    assert!(bytes.chunks_exact(DATAGRAM_MAX + framing::PREFIX).all(|frame| frame == framed(&[7; DATAGRAM_MAX])));
}

#[test]
fn oversize_frames_ends_and_silence_close_a_connection() {
    let mut node = Node::start();
    let start = Instant::now();
    let (mut oversize, first_path) = connected(&mut node, start);
    oversize.write_all(&[0xff, 0xff]).expect("connected");
    let (ended, _) = connected(&mut node, start);
    drop(ended);
    let (_silent, silent_path) = connected(&mut node, start);
    let worker = &mut node.workers[0];
    while worker.connections.len() > 1 {
        worker.turn(start);
        assert!(worker.connections.receive(start).is_none());
    }
    let counters = worker.connections.counters();
    assert_eq!((counters.opened, counters.oversize, counters.closed), (3, 1, 1));
    worker.connections.handle_timeout(start + IDLE_MAX);
    assert_eq!((worker.connections.len(), worker.connections.counters().idle), (0, 1));
    assert!(worker.connections.per_ip.is_empty());
    let closed: Vec<NetPath> = std::iter::from_fn(|| worker.connections.poll_closed()).collect();
    assert!(closed.len() == 3 && closed.contains(&first_path) && closed.last() == Some(&silent_path));
}

#[test]
fn one_address_gets_only_so_many_connections() {
    let mut node = Node::start();
    let now = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS_PER_IP_MAX).map(|_| connected(&mut node, now)).collect();
    let mut refused = node.connect();
    refused.write_all(&framed(b"w0")).expect("connected");
    let worker = &mut node.workers[0];
    while worker.connections.counters().refused == 0 {
        worker.turn(now);
    }
    assert_eq!(worker.connections.len(), clients.len());
    assert_eq!(refused.read(&mut [0; 1]).ok(), Some(0), "closed");
}

#[test]
fn an_occupied_port_is_named() {
    let node = Node::start();
    let address = node.handle.local_address();
    let error = Acceptor::bind(address, Vec::new(), worker_of_message).err().expect("occupied");
    assert!(error.to_string().contains(&format!("TCP port {} is in use", address.port())), "{error}");
}
