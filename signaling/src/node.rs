//! One node: its listeners, the switchboard and the media workers, started and stopped together.

use crate::config::{Config, DEV_KEY, DEV_TENANT};
use crate::directory::Directory;
use crate::hosts;
use crate::http::{self, Admission, CertificateFiles, Dev, Shared, TlsError};
use crate::metrics::Metrics;
use crate::relay::{self, Relays};
use crate::signaling::{Setup, TenantRules};
use crate::switchboard::{INBOX_MAX, Input, Switchboard};
use crate::token::Keyring;
use rand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tillside_sfu::config::EVENTS_MAX;
use tillside_sfu::worker::{StartError, Workers, WorkersConfig};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How often files that may be replaced are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);
/// How long a stopping node gives its sockets to take their `bye`.
const GOODBYE: Duration = Duration::from_secs(2);
/// How often a draining node counts the sessions that are left.
const DRAIN_POLL: Duration = Duration::from_millis(250);

/// A running node.
pub struct Node {
    shared: Arc<Shared>,
    keyring: watch::Sender<Arc<Keyring>>,
    certificates: Option<CertificateFiles>,
    http: SocketAddr,
    admin: SocketAddr,
    media: Vec<Vec<SocketAddr>>,
    stop: watch::Sender<bool>,
    switchboard: JoinHandle<()>,
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An HTTP port cannot be opened.
    #[error("cannot listen on {address}: {source}. Free the port, or set another in [{section}] listen")]
    Listen {
        /// What was to be opened.
        address: SocketAddr,
        /// Where it is configured.
        section: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A media port cannot be opened.
    #[error(transparent)]
    Media(#[from] StartError),
    /// The system starts no more threads.
    #[error("cannot start a relay thread: {0}. Look at the limits of threads and memory")]
    Relay(#[source] std::io::Error),
}

impl Node {
    /// Opens every port and starts every task and thread. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`NodeError`]. Nothing is left running then.
    pub async fn start(config: &Config) -> Result<Self, NodeError> {
        config.check()?;
        let certificates = match config.tls.certificate_file.as_os_str().is_empty() {
            true => None,
            false => Some(CertificateFiles::open(&config.tls.certificate_file, &config.tls.key_file)?),
        };
        let (http_listener, http) = listen(config.signaling.listen, "signaling").await?;
        let (admin_listener, admin) = listen(config.admin.listen, "admin").await?;
        let (events, worker_events) = mpsc::channel(EVENTS_MAX);
        let workers = Workers::start(&workers_config(config), events)?;
        let media = workers.udp_addresses().to_vec();

        let keyring = watch::Sender::new(Arc::new(config.keyring()?));
        let metrics = Arc::new(Metrics::new());
        let (share_events, relay_events) = mpsc::channel(relay::EVENTS_MAX);
        let relays = Relays::start(media.len(), &share_events, &metrics).map_err(NodeError::Relay)?;
        let directory = Arc::new(Directory::default());
        let (inbox, inputs) = mpsc::channel(INBOX_MAX);
        let shared = Arc::new(Shared {
            inbox,
            relays: relays.doors(),
            directory: Arc::clone(&directory),
            keyring: keyring.subscribe(),
            metrics: Arc::clone(&metrics),
            admission: Arc::new(Admission::new(config.http_limits())),
            dev: config.dev.then(|| Dev { key: DEV_KEY.to_owned(), tenant: DEV_TENANT.to_owned() }),
            draining: AtomicBool::new(false),
            next_socket: AtomicU64::new(1),
        });
        let mut setup = Setup::new(keyring.borrow().clone(), seed());
        setup.share_rules = config.share_rules()?;
        setup.hello_timeout = Duration::from_millis(config.signaling.hello_timeout_ms);
        let switchboard = Switchboard::new(setup, workers, relays, directory, Arc::clone(&metrics));
        let switchboard = tokio::spawn(switchboard.run(inputs, worker_events, relay_events));

        let stop = watch::Sender::new(false);
        let tls = certificates.as_ref().map(CertificateFiles::certificates);
        let public = http::public_router(Arc::clone(&shared));
        let admission = Arc::clone(&shared.admission);
        tokio::spawn(http::serve(http_listener, public, tls, admission, Arc::clone(&metrics), stop.subscribe()));
        // The admin listener has room of its own: a full public one must not lock the operator out.
        let admission = Arc::new(Admission::new(config.http_limits()));
        let router = http::admin_router(Arc::clone(&shared));
        tokio::spawn(http::serve(admin_listener, router, None, admission, metrics, stop.subscribe()));
        Ok(Self { shared, keyring, certificates, http, admin, media, stop, switchboard })
    }

    /// Where the public listener really listens.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Where the admin listener really listens.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The UDP addresses that each media worker really bound.
    #[must_use]
    pub fn media_addresses(&self) -> &[Vec<SocketAddr>] {
        &self.media
    }

    /// Rooms, for looking.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.shared.directory
    }

    /// Replaces tenants: their keys, and what they decide about shared pages. Sessions of keys that are gone end at
    /// once; pages that are shared already keep their rules.
    pub async fn replace_tenants(&self, keyring: Keyring, share_rules: TenantRules) {
        let keyring = Arc::new(keyring);
        self.keyring.send_replace(Arc::clone(&keyring));
        self.tell(Input::Tenants(keyring, share_rules)).await;
    }

    /// Looks at the certificate files again.
    pub fn reload_certificates(&mut self) {
        if let Some(files) = &mut self.certificates {
            files.reload_if_changed();
        }
    }

    /// How often [`Node::reload_certificates`] should be called.
    #[must_use]
    pub fn reload_interval(&self) -> Duration {
        RELOAD_INTERVAL
    }

    /// Takes nobody new and waits until everybody has left, or for `deadline`.
    pub async fn drain(&self, deadline: Duration) {
        self.shared.draining.store(true, Ordering::Relaxed);
        self.tell(Input::Drain(true)).await;
        let empty = async {
            while self.sessions().await > 0 {
                tokio::time::sleep(DRAIN_POLL).await;
            }
        };
        // Who is still here at the deadline is told to come back elsewhere.
        let _ = tokio::time::timeout(deadline, empty).await;
    }

    /// Says good-bye to everybody and stops all tasks and threads.
    pub async fn stop(self) {
        let Self { shared, stop, switchboard, .. } = self;
        // The switchboard has stopped already: there is nobody to say good-bye to.
        let _ = shared.inbox.send(Input::Stop).await;
        stop.send_replace(true);
        let goodbye = async {
            while shared.admission.connections() > 0 {
                tokio::time::sleep(DRAIN_POLL / 10).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        switchboard.abort();
        // Joins the threads of media and of relays, which the switchboard owns; an abort is the expected outcome.
        let _ = switchboard.await;
    }

    /// How many sessions there are.
    pub async fn sessions(&self) -> usize {
        let (reply, answer) = oneshot::channel();
        self.tell(Input::CountSessions(reply)).await;
        answer.await.unwrap_or(0)
    }

    async fn tell(&self, input: Input) {
        if self.shared.inbox.send(input).await.is_err() {
            tracing::error!("the switchboard has stopped");
        }
    }
}

async fn listen(address: SocketAddr, section: &'static str) -> Result<(TcpListener, SocketAddr), NodeError> {
    let failed = |source| NodeError::Listen { address, section, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn workers_config(config: &Config) -> WorkersConfig {
    let media = &config.media;
    // A family that this machine lacks is left out, as long as another one is left.
    let mut bind: Vec<IpAddr> = media.bind.iter().copied().filter(|address| can_bind(*address)).collect();
    if bind.is_empty() {
        bind.clone_from(&media.bind);
    }
    WorkersConfig {
        workers: media.workers,
        udp_port_base: media.udp_port_base,
        tcp_port: (media.tcp_port != 0).then_some(media.tcp_port),
        advertise: advertised(config, &bind),
        bind,
    }
}

/// The addresses told to participants: as configured, or as found on this machine.
#[must_use]
pub fn advertised(config: &Config, bind: &[IpAddr]) -> Vec<IpAddr> {
    if !config.media.advertise.is_empty() {
        return config.media.advertise.clone();
    }
    let any = |wildcard: IpAddr| bind.contains(&wildcard);
    let specific = bind.iter().copied().filter(|address| !address.is_unspecified());
    let found = hosts::reachable().into_iter().filter(|address| match address {
        IpAddr::V4(_) => any(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        IpAddr::V6(_) => any(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    });
    let mut addresses: Vec<IpAddr> = specific.chain(found).collect();
    // Browsers of this machine; last, because Firefox ignores it and nobody else can use it.
    if (config.dev || addresses.is_empty()) && any(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) {
        addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    addresses
}

fn can_bind(address: IpAddr) -> bool {
    let domain = if address.is_ipv4() { socket2::Domain::IPV4 } else { socket2::Domain::IPV6 };
    socket2::Socket::new(domain, socket2::Type::DGRAM, None)
        .is_ok_and(|socket| socket.bind(&SocketAddr::new(address, 0).into()).is_ok())
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    crate::random::from_system().fill_bytes(&mut seed);
    seed
}
