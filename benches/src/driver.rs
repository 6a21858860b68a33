//! How the harness itself runs: which core is whose, how many descriptors, what of a packet is looked at.

use crate::kernel;
use crate::server::Server;

/// See the module.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Driver {
    /// Core of the server that is started here
    #[arg(long, default_value_t = 0)]
    pub(crate) server_core: usize,
    /// Core of the driver
    #[arg(long, default_value_t = 1)]
    pub(crate) driver_core: usize,
    /// Let the scheduler place server and driver
    #[arg(long)]
    pub(crate) no_pinning: bool,
    /// Driver threads; more than one only makes sense with --no-pinning
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Opens one packet in so many of each stream, for its delay and its authenticity; all are counted
    #[arg(long, default_value_t = 8)]
    pub(crate) open_every: u64,
    /// Takes datagrams from the kernel in runs (UDP_GRO): cheaper for both sides than any real network
    #[arg(long)]
    pub(crate) gro: bool,
}

impl Driver {
    /// Raises limits and goes to its core.
    ///
    /// # Errors
    /// A sentence with a way out.
    pub(crate) fn prepare(&self, transports: usize) -> Result<(), String> {
        kernel::allow_descriptors(transports as u64 * 3 + 200)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if self.no_pinning {
            return Ok(());
        }
        if cores < 2 {
            return Err("server and driver need a core each, and this machine has one: add --no-pinning to measure \
                        anyway, with figures that mean little"
                .to_owned());
        }
        kernel::pin_self(self.driver_core)
    }

    /// The cores for a server with so many workers: its own, then the driver's, which they share, then others. Any core
    /// where `None`.
    pub(crate) fn cores_of_server(&self, workers: usize) -> Option<String> {
        let own = [self.server_core, self.driver_core];
        let more = (0..).filter(|core| !own.contains(core));
        let cores: Vec<String> = own.into_iter().chain(more).take(workers).map(|core| core.to_string()).collect();
        (!self.no_pinning).then(|| cores.join(","))
    }

    /// The cores on which nobody else should do anything during a run: those of server and driver. None are watched where
    /// they may run anywhere, nor where the server cannot be told from everybody else.
    pub(crate) fn cores_to_watch(&self, server: Option<&Server>) -> Option<Vec<usize>> {
        (!self.no_pinning && server.is_some()).then(|| vec![self.server_core, self.driver_core])
    }

    /// How it is measured, for reports.
    pub(crate) fn method(&self) -> String {
        let place = if self.no_pinning {
            "server and driver unpinned".to_owned()
        } else {
            format!("server on core {}, driver on core {}", self.server_core, self.driver_core)
        };
        format!(
            "{place}; real UDP sockets, one per transport; server CPU = user + system time of all its threads; every \
             packet counted by its header, one in {} opened; delay from before sealing to the kernel's arrival time at \
             the receiver; receivers take {}; transport-wide feedback every 100 ms, reports every second, NACK \
             negotiated and never needed",
            self.open_every,
            if self.gro { "runs (UDP_GRO)" } else { "single datagrams" },
        )
    }
}
