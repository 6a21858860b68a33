//! What an operator sets: one TOML file, environment variables, `--set` flags; every key has a default.
//!
//! Flag beats environment beats file beats default. An unknown key stops the start and is named with its place.
//! `config/tillside.toml` lists every key; a test compares it with the defaults here.

mod cobrowse;
mod layers;
mod tenants;

pub use cobrowse::CobrowseConfig;
pub use layers::{ConfigError, Layers};
pub use tenants::{KeyAlgorithm, KeyConfig, Secret, TenantConfig};

use crate::http::Limits;
use crate::signaling::TenantRules;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// The id of the key that `--dev` knows.
pub const DEV_KEY: &str = "dev";
/// The tenant of `--dev`.
pub const DEV_TENANT: &str = "demo";
/// The secret of [`DEV_KEY`]: printed in this file, hence accepted on loopback only.
const DEV_SECRET: &str = "tillside development key: everybody knows it";

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The public listener.
    pub signaling: SignalingConfig,
    /// Its certificate.
    pub tls: TlsConfig,
    /// The admin listener.
    pub admin: AdminConfig,
    /// Media ports and addresses.
    pub media: MediaConfig,
    /// How many may come in.
    pub limits: LimitsConfig,
    /// What is logged.
    pub log: LogConfig,
    /// Who may use the node.
    pub tenants: Vec<TenantConfig>,
    /// Set by `--dev`, never by a file.
    #[serde(skip)]
    pub dev: bool,
}

/// `[signaling]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignalingConfig {
    /// Address and port for WebSocket, REST, WHIP and WHEP.
    pub listen: SocketAddr,
    /// How long a WebSocket may take to say `hello`, in milliseconds.
    pub hello_timeout_ms: u64,
}

/// `[tls]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM certificate chain; empty: plain HTTP, for a proxy in front that speaks TLS.
    pub certificate_file: PathBuf,
    /// PEM private key of the certificate.
    pub key_file: PathBuf,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// Address and port for metrics, health and drain. There is no password: keep it on a private address.
    pub listen: SocketAddr,
}

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaConfig {
    /// Media threads, each with its own UDP port; 0: one per core.
    pub workers: usize,
    /// Addresses to bind, at most one per family. A family that this machine lacks is left out.
    pub bind: Vec<IpAddr>,
    /// UDP port of the first worker; the others follow. 0: any free ports, for tests.
    pub udp_port_base: u16,
    /// TCP port for those whose network lets no UDP through; 0: none.
    pub tcp_port: u16,
    /// Addresses told to participants, best first. Empty: those of this machine.
    pub advertise: Vec<IpAddr>,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// HTTP connections in all, WebSockets included.
    pub connections: usize,
    /// HTTP connections of one IPv4 address or one IPv6 /64.
    pub connections_per_address: usize,
    /// WebSockets of one address that have not said `hello`.
    pub greetings_per_address: usize,
    /// Sessions that one address may begin per second; twice as many at once.
    pub joins_per_second_per_address: u32,
    /// How long a stopping node waits for its sessions to end by themselves, in seconds.
    pub drain_s: u64,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,tillside=debug`.
    pub level: String,
    /// `json` or `text`.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

impl Config {
    /// What `--dev` starts from: loopback pages, a key that everybody knows, room for many browsers on one machine.
    #[must_use]
    pub fn dev() -> Self {
        let origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
        let tenant = TenantConfig {
            id: DEV_TENANT.to_owned(),
            origins: origins.map(str::to_owned).to_vec(),
            keys: vec![KeyConfig::with_secret(DEV_KEY, DEV_SECRET)],
            cobrowse: CobrowseConfig::default(),
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 7880));
        Self {
            signaling: SignalingConfig { listen, ..SignalingConfig::default() },
            media: MediaConfig { bind: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)], ..MediaConfig::default() },
            limits: LimitsConfig {
                connections_per_address: 5_000,
                greetings_per_address: 1_000,
                joins_per_second_per_address: 1_000,
                drain_s: 0,
                ..LimitsConfig::default()
            },
            log: LogConfig { format: LogFormat::Text, ..LogConfig::default() },
            tenants: vec![tenant],
            dev: true,
            ..Self::default()
        }
    }

    /// Finds what is well-formed and yet cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names the key and the way out.
    pub fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: &str, why: &str| Err(ConfigError::Invalid { key: key.to_owned(), why: why.to_owned() });
        if self.dev && !self.signaling.listen.ip().is_loopback() {
            return invalid(
                "signaling.listen",
                "--dev uses a key that everybody knows, so it listens on loopback only",
            );
        }
        if self.dev && !self.admin.listen.ip().is_loopback() {
            return invalid("admin.listen", "--dev listens on loopback only");
        }
        if self.tls.certificate_file.as_os_str().is_empty() != self.tls.key_file.as_os_str().is_empty() {
            return invalid("tls", "set both certificate_file and key_file, or neither");
        }
        if self.media.bind.is_empty() {
            return invalid("media.bind", "name at least one address, such as \"0.0.0.0\"");
        }
        for family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            if self.media.bind.iter().filter(|address| family(address)).count() > 1 {
                return invalid("media.bind", "at most one address per family can be bound");
            }
        }
        if self.media.advertise.iter().any(|address| address.is_unspecified() || address.is_multicast()) {
            return invalid("media.advertise", "0.0.0.0, :: and multicast addresses cannot be reached by anybody");
        }
        if self.media.workers > 256 {
            return invalid("media.workers", "there can be at most 256 workers");
        }
        if self.limits.connections == 0 || self.limits.joins_per_second_per_address == 0 {
            return invalid("limits", "a limit of 0 lets nobody in");
        }
        if let Err(error) = self.log.filter() {
            return invalid("log.level", &error.to_string());
        }
        if !self.dev && self.tenants.iter().flat_map(|tenant| &tenant.keys).any(|key| key.is(DEV_SECRET)) {
            return invalid(
                "tenants",
                "the development key is known to everybody: make one with `tillside keys generate`",
            );
        }
        self.keyring()?;
        self.share_rules()?;
        Ok(())
    }

    /// The keys, read from their files where they stand in files.
    ///
    /// # Errors
    /// A file cannot be read, or a key or tenant cannot be used.
    pub fn keyring(&self) -> Result<crate::token::Keyring, ConfigError> {
        let tenants = self.tenants.iter().map(TenantConfig::read).collect::<Result<_, _>>()?;
        crate::token::Keyring::new(tenants)
            .map_err(|error| ConfigError::Invalid { key: "tenants".to_owned(), why: error.to_string() })
    }

    /// What each tenant decides about shared pages.
    ///
    /// # Errors
    /// A selector or a limit cannot be used.
    pub fn share_rules(&self) -> Result<TenantRules, ConfigError> {
        let rules = |tenant: &TenantConfig| Ok((tenant.id.clone(), Arc::new(tenant.cobrowse.rules(&tenant.id)?)));
        self.tenants.iter().map(rules).collect()
    }

    /// The limits of the HTTP side.
    #[must_use]
    pub fn http_limits(&self) -> Limits {
        Limits {
            connections: self.limits.connections,
            connections_per_address: self.limits.connections_per_address,
            greetings_per_address: self.limits.greetings_per_address,
            joins_per_second_per_address: self.limits.joins_per_second_per_address,
        }
    }

    /// The configuration as TOML, secrets as `***`.
    #[must_use]
    pub fn print(&self) -> String {
        toml::to_string_pretty(self).expect("every field has a TOML form")
    }
}

impl LogConfig {
    /// What is written, by [`LogConfig::level`]. The WebSocket library would write whole messages, tokens in them, so
    /// that it never may (SEC-23).
    ///
    /// # Errors
    /// The level cannot be read.
    pub fn filter(&self) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
        let mut filter = EnvFilter::try_new(&self.level)?;
        for quiet in ["tungstenite=info", "tokio_tungstenite=info"] {
            filter = filter.add_directive(quiet.parse()?);
        }
        Ok(filter)
    }
}

impl Default for SignalingConfig {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7880));
        Self { listen, hello_timeout_ms: crate::protocol::HELLO_TIMEOUT_MS }
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7889)) }
    }
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            bind: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
            udp_port_base: 7900,
            tcp_port: 7881,
            advertise: Vec::new(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 100,
            greetings_per_address: 4,
            joins_per_second_per_address: 10,
            drain_s: 600,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

#[cfg(test)]
mod tests;
