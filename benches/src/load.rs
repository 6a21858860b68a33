//! `load`: a swarm against one server.
//!
//! Reads what to do from flags or a scenario, starts or finds the server, and runs one kind of run; each kind has its
//! own file below.

mod capacity;
mod churn;
mod idle;
mod scale;
mod storm;
mod sweep;

use crate::arena::Arena;
use crate::driver::Driver;
use crate::outcome::Row;
use crate::peers::Peer;
use crate::peers::tillside::{Key, Start, Tillside};
use crate::report::Outputs;
use crate::server::{Server, pause};
use crate::workload::{Run, Wishes, Workload};
use serde_json::json;
use std::path::PathBuf;

/// See [`super::Command::Load`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A node that runs already, such as http://127.0.0.1:7880; without it one is started here
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The API key that signs tokens
    #[arg(long, value_name = "ID:SECRET", conflicts_with = "dev")]
    key: Option<String>,
    /// The tenant of the key
    #[arg(long, default_value = "demo")]
    tenant: String,
    /// Use the key that nodes in development mode know (what happens without --key)
    #[arg(long)]
    dev: bool,
    /// Process id of the node at --url, if it runs here: for its CPU time and memory
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// The `tillside` program to start; the one beside this program, if not given
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    /// Media workers of a node started here
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Sets a key of a node started here, such as `limits.connections=50000`; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// A TOML file with the flags below; see benches/scenarios
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    driver: Driver,
    #[command(flatten)]
    outputs: Outputs,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let (workload, run) = arguments.wishes.clone().with(arguments.scenario.as_ref())?.resolve()?;
    arguments.driver.prepare(transports(&workload, &run))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    let rows = runtime.block_on(measure(arguments, &workload, &run))?;
    rows.iter().for_each(Row::print);
    let valid = rows.iter().all(|row| row.valid);
    let method = arguments.driver.method();
    arguments.outputs.write("load", valid, &method, &rows, &[], json!({ "rows": rows, "workload": workload }))
}

async fn measure(arguments: &Arguments, workload: &Workload, run: &Run) -> Result<Vec<Row>, String> {
    if let Run::Scale(workers) = run {
        return scale::run(arguments, workload, *workers).await;
    }
    let (server, peer) = target(arguments, arguments.workers).await?;
    let mut arena = Arena::new(&arguments.driver, server, Peer::Tillside(peer))?;
    let rows = match run {
        Run::Steady | Run::Scale(_) => vec![steady(&mut arena, workload, "tillside").await?],
        Run::Storm { joins, over } => vec![storm::run(&mut arena, workload, *joins, *over).await?],
        Run::Idle(participants) => vec![idle::run(&mut arena, workload, *participants).await?],
        Run::Churn { duration, rate } => vec![churn::run(&mut arena, workload, *duration, *rate).await?],
        Run::Capacity => capacity::run(&mut arena, workload).await?,
        Run::Sweep { over, values } => sweep::run(&mut arena, workload, *over, values).await?,
    };
    arena.clear().await;
    Ok(rows)
}

/// Seats a workload, lets it run warm, measures it and clears it away.
pub(crate) async fn steady(arena: &mut Arena, workload: &Workload, target: &str) -> Result<Row, String> {
    arena.seat(workload).await?;
    pause(workload.warmup).await;
    let row = arena.measure(workload, target, workload.duration).await?;
    arena.clear().await;
    Ok(row)
}

/// The node that runs, or one that is started.
async fn target(arguments: &Arguments, workers: usize) -> Result<(Option<Server>, Tillside), String> {
    let Some(url) = &arguments.url else {
        let start = Start {
            program: arguments.node.clone(),
            workers,
            cores: arguments.driver.cores_of_server(workers),
            sets: arguments.set.clone(),
        };
        let (server, peer) = start.run().await?;
        return Ok((Some(server), peer));
    };
    let key = match &arguments.key {
        Some(key) => Key::parse(key, &arguments.tenant).ok_or("--key must be ID:SECRET")?,
        None => Key::dev(),
    };
    let url = url.parse().map_err(|error| format!("--url {url}: {error}: expected such as http://127.0.0.1:7880"))?;
    Ok((arguments.pid.map(Server::attach), Tillside::new(url, key)?))
}

/// How many transports there will be at most, for the limit of open files.
fn transports(workload: &Workload, run: &Run) -> usize {
    let more = match run {
        Run::Steady | Run::Scale(_) => 0,
        Run::Capacity => capacity::JOINS_BEYOND,
        Run::Storm { joins, .. } => *joins,
        Run::Idle(participants) => *participants,
        Run::Churn { rate, .. } => (*rate * 20.0) as usize,
        Run::Sweep { over, values } => {
            values.iter().map(|value| workload.at(*over, *value).participants()).max().unwrap_or(0)
        }
    };
    workload.participants() + more
}
