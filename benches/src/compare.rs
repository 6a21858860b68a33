//! `compare`: the same swarm and the same workload against our node and another server, in turns.
//!
//! One round of ours, one of theirs, and so on: the machine's moods hit both. The first round of each counts for
//! nothing. Medians and their ratios are what is reported.

mod target;

use crate::arena::Arena;
use crate::driver::Driver;
use crate::load::steady;
use crate::outcome::{Row, Spread};
use crate::report::Outputs;
use crate::workload::{Run, Wishes, Workload};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;
use target::{Running, Target, Targets};

/// See [`super::Command::Compare`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Whom to compare with: `janus`, or a name in --targets; may be given several times
    #[arg(long, value_name = "NAME", default_value = "janus")]
    against: Vec<String>,
    /// A TOML file with further servers; see benches/README.md
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// A TOML file with the flags below; may be given several times. Without any: broadcast to 100, 100 rooms of two
    #[arg(long, value_name = "FILE")]
    scenario: Vec<PathBuf>,
    /// Rounds of each server that count; one more is run first
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The `tillside` program; the one beside this program, if not given
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    driver: Driver,
    #[command(flatten)]
    outputs: Outputs,
}

/// How much better ours did: above 1 is better in all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) scenario: String,
    pub(crate) against: String,
    /// Packets per second of server CPU, ours to theirs.
    pub(crate) packets_per_cpu_s: f64,
    /// Delay, theirs to ours.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Memory, theirs to ours.
    pub(crate) rss: f64,
    /// Whether every round of both counts and both used one SRTP profile and the same cores.
    pub(crate) valid: bool,
}

/// Our name in reports.
const OURS: &str = "tillside";

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let workloads = workloads(arguments)?;
    let targets = Targets::read(arguments.targets.as_deref(), arguments.node.clone())?;
    let mut chosen = vec![targets.find(OURS)?];
    for name in &arguments.against {
        chosen.push(targets.find(name)?);
    }
    let transports = workloads.iter().map(|workload| workload.participants() * 2).max().unwrap_or(0);
    arguments.driver.prepare(transports)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    let (mut rows, mut ratios) = (Vec::new(), Vec::new());
    for workload in &workloads {
        let medians = runtime.block_on(rounds(arguments, workload, &chosen))?;
        ratios.extend(medians[1..].iter().map(|theirs| Ratio::of(&medians[0], theirs)));
        rows.extend(medians);
    }
    rows.iter().for_each(Row::print);
    ratios.iter().for_each(Ratio::print);
    let method = method(arguments);
    let valid = ratios.iter().all(|ratio| ratio.valid);
    arguments.outputs.write("compare", valid, &method, &rows, &ratios, json!({ "rows": rows, "ratios": ratios }))
}

fn workloads(arguments: &Arguments) -> Result<Vec<Workload>, String> {
    let wishes = &arguments.wishes;
    let all: Vec<Wishes> = if !arguments.scenario.is_empty() {
        let completed = arguments.scenario.iter().map(|path| wishes.clone().with(Some(path)));
        completed.collect::<Result<_, _>>()?
    } else if wishes.publishers.or(wishes.subscribers).or(wishes.callers).is_some() {
        vec![wishes.clone()]
    } else {
        vec![broadcast(wishes.clone()), rooms_of_two(wishes.clone())]
    };
    let resolved = all.iter().map(|wishes| match wishes.resolve()? {
        (workload, Run::Steady) => Ok(workload),
        _ => Err("only steady workloads can be compared: leave --joins, --idle, --churn, --capacity, --sweep away"
            .to_owned()),
    });
    resolved.collect()
}

/// One publisher to a hundred, at a rate that every peer carries.
fn broadcast(wishes: Wishes) -> Wishes {
    Wishes {
        name: Some("broadcast to 100".to_owned()),
        publishers: Some(1),
        subscribers: Some(100),
        video: wishes.video.clone().or_else(|| Some("200x1000".to_owned())),
        ..wishes
    }
}

/// A hundred calls of two, at a rate that every peer carries.
fn rooms_of_two(wishes: Wishes) -> Wishes {
    Wishes {
        name: Some("100 rooms of two".to_owned()),
        rooms: Some(100),
        callers: Some(2),
        video: wishes.video.clone().or_else(|| Some("60x1000".to_owned())),
        ..wishes
    }
}

/// All rounds of one workload; the median of each target, ours first.
async fn rounds(arguments: &Arguments, workload: &Workload, targets: &[Target]) -> Result<Vec<Row>, String> {
    let mut found: Vec<Vec<Row>> = vec![Vec::new(); targets.len()];
    for round in 0..=arguments.rounds {
        for (target, rows) in targets.iter().zip(&mut found) {
            let Running { server, peer } = target.start(arguments.driver.cores_of_server(1).as_deref()).await?;
            let mut arena = Arena::new(&arguments.driver, server, peer)?;
            let row =
                steady(&mut arena, workload, &target.name).await.map_err(|why| format!("{}: {why}", target.name))?;
            eprintln!(
                "{} · {} · round {round}{}: {:.0} packets per CPU second, p99 {:.2} ms{}",
                workload.name,
                target.name,
                if round == 0 { " (does not count)" } else { "" },
                row.packets_per_cpu_s,
                row.delay_ms.p99,
                if row.valid { String::new() } else { format!(" · not valid: {}", row.invalid_because.join("; ")) }
            );
            if round > 0 {
                rows.push(row);
            }
        }
    }
    Ok(found.iter().map(|rows| median(rows)).collect())
}

/// The row in the middle by packets per CPU second, with the medians of what is compared and the spread of all rounds.
fn median(rows: &[Row]) -> Row {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| a.packets_per_cpu_s.total_cmp(&b.packets_per_cpu_s));
    let of = |value: fn(&Row) -> f64| Spread::of(&rows.iter().map(value).collect::<Vec<_>>()).p50;
    let mut row = sorted[(sorted.len() - 1) / 2].clone();
    row.delay_ms.p50 = of(|row| row.delay_ms.p50);
    row.delay_ms.p99 = of(|row| row.delay_ms.p99);
    row.rss_mib = of(|row| row.rss_mib);
    row.note("rounds", rows.len());
    row.note("packets_per_cpu_s_min", sorted.first().map_or(0.0, |row| row.packets_per_cpu_s));
    row.note("packets_per_cpu_s_max", sorted.last().map_or(0.0, |row| row.packets_per_cpu_s));
    for invalid in rows.iter().filter(|row| !row.valid) {
        for why in &invalid.invalid_because {
            if !row.invalid_because.contains(why) {
                row.invalidate(why.clone());
            }
        }
    }
    row
}

impl Ratio {
    fn of(ours: &Row, theirs: &Row) -> Self {
        let ratio = |more: f64, less: f64| if less > 0.0 { more / less } else { 0.0 };
        Self {
            scenario: ours.scenario.clone(),
            against: theirs.target.clone(),
            packets_per_cpu_s: ratio(ours.packets_per_cpu_s, theirs.packets_per_cpu_s),
            p50: ratio(theirs.delay_ms.p50, ours.delay_ms.p50),
            p99: ratio(theirs.delay_ms.p99, ours.delay_ms.p99),
            rss: ratio(theirs.rss_mib, ours.rss_mib),
            valid: ours.valid
                && theirs.valid
                && ours.srtp == theirs.srtp
                && ours.server_runs_on == theirs.server_runs_on,
        }
    }

    fn print(&self) {
        println!(
            "\n{} · against {}: {:.1}× packets per server CPU second · p99 delay {:.1}× lower · p50 {:.1}× lower · \
             memory {:.1}× less{}",
            self.scenario,
            self.against,
            self.packets_per_cpu_s,
            self.p99,
            self.p50,
            self.rss,
            if self.valid { "" } else { " · NOT VALID" }
        );
    }
}

fn method(arguments: &Arguments) -> String {
    format!(
        "same swarm and workload against each server in turns (A B A B), {} rounds that count after one that does not, \
         a server started anew for each; medians; each server by its own way of signaling: Tillside's calls on one \
         transport per participant, others' on two; {}",
        arguments.rounds,
        arguments.driver.method()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(packets_per_cpu_s: f64, p99: f64, srtp: &str) -> Row {
        let delay_ms = Spread { p99, ..Spread::default() };
        Row { packets_per_cpu_s, delay_ms, srtp: srtp.to_owned(), valid: true, ..Row::default() }
    }

    #[test]
    fn medians_are_of_all_rounds_and_one_bad_round_shows() {
        let mut rows = [row(3.0, 1.0, "a"), row(1.0, 9.0, "a"), row(2.0, 2.0, "a")];
        let middle = median(&rows);
        assert_eq!((middle.packets_per_cpu_s, middle.delay_ms.p99, middle.valid), (2.0, 2.0, true));
        rows[1].invalidate("the driver was busy".to_owned());
        assert_eq!(median(&rows).invalid_because, ["the driver was busy"]);
    }

    #[test]
    fn ratios_are_above_one_where_ours_is_better_and_need_one_cipher() {
        let ratio = Ratio::of(&row(500.0, 0.5, "gcm"), &row(100.0, 2.0, "gcm"));
        assert_eq!((ratio.packets_per_cpu_s, ratio.p99, ratio.valid), (5.0, 4.0, true));
        assert!(!Ratio::of(&row(500.0, 0.5, "gcm"), &row(100.0, 2.0, "sha1")).valid);
    }
}
