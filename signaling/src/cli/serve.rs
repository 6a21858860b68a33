//! `tillside serve`: starts a node, tells where it is, and stops it well.

use super::{CliError, Sources};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use tillside::config::{Config, LogConfig, LogFormat};
use tillside::node::{Node, advertised};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) fn run(sources: &Sources) -> Result<ExitCode, CliError> {
    let config = sources.load()?;
    start_log(&config.log)?;
    quiet_panics();
    if !config.dev {
        forbid_core_dumps();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("tillside-http")
        .build()
        .map_err(|error| CliError::Other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(serve(sources, &config))
}

async fn serve(sources: &Sources, config: &Config) -> Result<ExitCode, CliError> {
    let listen = |kind| signal(kind).map_err(|error| CliError::Other(format!("cannot wait for signals: {error}")));
    let mut stops = Stops { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? };
    let mut hangup = listen(SignalKind::hangup())?;
    let mut node = Node::start(config).await?;
    if config.dev {
        print!("{}", banner(&node, config));
    }
    tracing::info!(http = %node.http_address(), admin = %node.admin_address(), dev = config.dev, "node is up");
    if config.tenants.is_empty() {
        tracing::warn!("there are no [[tenants]], so nobody can come in: see `tillside keys generate`");
    }
    let mut reload = tokio::time::interval(node.reload_interval());
    loop {
        tokio::select! {
            () = stops.next() => break,
            _ = reload.tick() => node.reload_certificates(),
            _ = hangup.recv() => read_again(sources, &mut node).await,
        }
    }
    let deadline = Duration::from_secs(config.limits.drain_s);
    tracing::info!(deadline_s = config.limits.drain_s, "draining; a second signal stops at once");
    tokio::select! {
        () = node.drain(deadline) => {}
        () = stops.next() => {}
    }
    node.stop().await;
    tracing::info!("node is down");
    Ok(ExitCode::SUCCESS)
}

/// Keys and certificates are read again; everything else needs a new start.
async fn read_again(sources: &Sources, node: &mut Node) {
    node.reload_certificates();
    match sources.load().and_then(|config| Ok((config.keyring()?, config.share_rules()?))) {
        Ok((keyring, share_rules)) => {
            node.replace_tenants(keyring, share_rules).await;
            tracing::info!("tenants and keys were read again");
        }
        Err(error) => tracing::error!(%error, "the old tenants and keys stay in use"),
    }
}

struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Says where a defect is and nothing more: the usual message may quote what was being read (SEC-23).
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a defect: please report it");
    }));
}

fn start_log(log: &LogConfig) -> Result<(), CliError> {
    let filter = log.filter().map_err(|error| CliError::Other(format!("log.level cannot be used: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}

/// Keys and media secrets stay out of core files, and out of reach of other processes of this user (SEC-34).
#[allow(unsafe_code)] // one prctl, which the standard library does not wrap
fn forbid_core_dumps() {
    // SAFETY: PR_SET_DUMPABLE takes one number and touches no memory.
    let outcome = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    if outcome != 0 {
        tracing::warn!("cannot forbid core dumps: set LimitCORE=0 for this service");
    }
}

/// What the development mode says of itself.
fn banner(node: &Node, config: &Config) -> String {
    let bold =
        |text: &str| if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let http = node.http_address();
    let host = if http.ip().is_ipv4() { format!("localhost:{}", http.port()) } else { http.to_string() };
    let media: Vec<String> = advertised(config, &config.media.bind).iter().map(ToString::to_string).collect();
    let ports: Vec<String> =
        node.media_addresses().iter().flatten().map(|address| address.port().to_string()).collect();
    let ports = if ports.is_empty() { format!("{}…", config.media.udp_port_base) } else { ports.join(" ") };
    let tcp = match config.media.tcp_port {
        0 => String::new(),
        port => format!(", TCP {port}"),
    };
    format!(
        "\n  {title} {version}, development mode\n\n\
         \x20   shop     {shop}\n\
         \x20   console  {console}\n\n\
         \x20   pages    {http}, this machine only\n\
         \x20   media    UDP {ports}{tcp} on {media}\n\
         \x20   admin    http://{admin}/metrics\n\n\
         \x20 Open the shop in one window and the console in another. Ctrl-C stops.\n\
         \x20 The key of this mode is known to everybody: never put it in front of customers.\n\n",
        title = bold("Tillside"),
        version = env!("CARGO_PKG_VERSION"),
        shop = bold(&format!("http://{host}/demo/")),
        console = bold(&format!("http://{host}/console/")),
        media = media.join(", "),
        admin = node.admin_address(),
    )
}
