//! Which figures a report has: each from the rows that have something to show, or none.

use super::fit;
use super::plot::{Axis, Bar, Scale, Series, Shape, bars, escape, lines, thousands};
use crate::compare::Ratio;
use crate::outcome::Row;
use std::collections::BTreeMap;

/// The few numbers that a reader comes for.
pub(super) fn tiles(rows: &[Row], ratios: &[Ratio]) -> String {
    let mut tiles: Vec<(String, String, String)> = Vec::new();
    for ratio in ratios {
        let per_cpu = format!("{:.1}×", ratio.packets_per_cpu_s);
        tiles.push((per_cpu, format!("the packets per CPU second of {}", ratio.against), ratio.scenario.clone()));
        let (times, word) = if ratio.p99 >= 1.0 { (ratio.p99, "lower") } else { (1.0 / ratio.p99.max(1e-9), "higher") };
        tiles.push((format!("{times:.1}×"), format!("{word} p99 delay"), ratio.scenario.clone()));
    }
    if let (true, Some(best)) = (ratios.is_empty(), rows.first()) {
        let note = best.scenario.clone();
        tiles.push((thousands(best.packets_per_cpu_s), "packets per CPU second".to_owned(), note.clone()));
        tiles.push((format!("{:.2} ms", best.delay_ms.p50), "median one-way delay".to_owned(), note.clone()));
        tiles.push((format!("{:.2} ms", best.delay_ms.p99), "p99 one-way delay".to_owned(), note.clone()));
        tiles.push((format!("{:.3} %", best.loss * 100.0), "lost".to_owned(), note));
    }
    let tile = |(value, name, note): &(String, String, String)| {
        format!("<div class=\"tile\"><b>{value}</b><span>{}</span><em>{}</em></div>", escape(name), escape(note))
    };
    format!("<div class=\"tiles\">{}</div>", tiles.iter().map(tile).collect::<String>())
}

/// Throughput and delay side by side, where servers are compared.
pub(super) fn ratios(rows: &[Row], ratios: &[Ratio]) -> Option<String> {
    if ratios.is_empty() {
        return None;
    }
    let mut body = String::new();
    for (scenario, rows) in by_scenario(rows) {
        let ratio = |target: &str| ratios.iter().find(|r| r.scenario == scenario && r.against == target);
        let bar = |row: &Row, value: f64, text: String| Bar {
            label: row.target.clone(),
            value,
            text,
            colour: colour_of(&row.target, &rows),
        };
        let throughput: Vec<Bar> = rows
            .iter()
            .map(|row| {
                let times =
                    ratio(&row.target).map_or(String::new(), |r| format!(" · ours {:.1}×", r.packets_per_cpu_s));
                bar(row, row.packets_per_cpu_s, format!("{}{times}", thousands(row.packets_per_cpu_s)))
            })
            .collect();
        let delay: Vec<Bar> =
            rows.iter().map(|row| bar(row, row.delay_ms.p99, format!("{:.2} ms", row.delay_ms.p99))).collect();
        body += &format!(
            "<h3>{}</h3><div class=\"pair\"><div><h4>Packets per second of server CPU <em>more is better</em></h4>{}</div>\
             <div><h4>p99 one-way delay <em>less is better</em></h4>{}</div></div>",
            escape(scenario),
            bars(&throughput),
            bars(&delay)
        );
    }
    Some(section("Side by side", "", &body))
}

/// Cost against size, with the straight line it should be.
pub(super) fn sweep(rows: &[Row]) -> Option<String> {
    let value = |row: &Row| row.extra.get("sweep").and_then(|sweep| sweep["value"].as_f64());
    let points: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((value(row)?, row.server_cores))).collect();
    if points.len() < 2 {
        return None;
    }
    let axis = rows.iter().find_map(|row| row.extra.get("sweep")?["over"].as_str());
    let label = if axis == Some("rooms") { "rooms" } else { "subscribers" };
    let series = |name: &str, points, colour, shape| Series { name: name.to_owned(), points, colour, shape };
    let mut all = vec![series("measured", points.clone(), 0, Shape::Points)];
    let mut text = String::new();
    if let Some(line) = fit(&points) {
        let ends = [points.first(), points.last()].into_iter().flatten();
        let drawn = ends.map(|(x, _)| (*x, line.intercept + line.slope * x)).collect();
        all.push(series("straight line", drawn, 1, Shape::Dashed));
        text = format!(
            "Server cores in use; a straight line explains {:.2} % of it: {:.0} µs of CPU per second for each further one.",
            line.r2 * 100.0,
            line.slope * 1e6
        );
    }
    let plot = lines(&linear(label, true), &linear("server cores", true), &all);
    Some(section("Cost against size", &text, &plot))
}

/// Memory over participants (idle) or time (churn).
pub(super) fn memory(rows: &[Row]) -> Option<String> {
    let (row, points) = rows.iter().find_map(|row| Some((row, row.extra.get("points")?.as_array()?)))?;
    let pair = |point: &serde_json::Value| Some((point[0].as_f64()?, point[1].as_f64()? / f64::from(1 << 20)));
    let mut points: Vec<(f64, f64)> = points.iter().filter_map(pair).collect();
    let is_churn = row.extra.contains_key("rss_mib_per_hour");
    if is_churn {
        points.iter_mut().for_each(|point| point.0 *= 60.0);
    }
    let label = if is_churn { "minutes" } else { "idle participants" };
    let text = match row.extra.get("rss_kib_per_idle_participant").and_then(serde_json::Value::as_f64) {
        Some(kib) => format!("{kib:.1} KiB for each further participant."),
        None => {
            let slope = row.extra.get("rss_mib_per_hour").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
            format!("{slope:+.2} MiB per hour over the second half.")
        }
    };
    let series = [Series { name: "resident memory".to_owned(), points, colour: 0, shape: Shape::Line }];
    Some(section("Memory of the server", &text, &lines(&linear(label, true), &linear("MiB", true), &series)))
}

/// Delay by quantile.
pub(super) fn delay(rows: &[Row]) -> Option<String> {
    let axis = Axis { label: "of all packets arrived within …", scale: Scale::Nines };
    let series = |row: &Row| row.delay_distribution.clone();
    per_scenario("One-way delay", "", rows, &axis, &Axis { label: "ms", scale: Scale::Log }, series)
}

/// Packets received in each second.
pub(super) fn timeline(rows: &[Row]) -> Option<String> {
    let series = |row: &Row| row.timeline.iter().map(|second| (second.at, second.packets_per_s)).collect();
    per_scenario("Rate over time", "", rows, &linear("seconds", true), &linear("packets/s received", true), series)
}

/// CPU for a million packets.
pub(super) fn cpu(rows: &[Row]) -> Option<String> {
    let measured: Vec<&Row> = rows.iter().filter(|row| row.cpu_s_per_million > 0.0).collect();
    if measured.is_empty() {
        return None;
    }
    let targets: Vec<&Row> = measured.clone();
    let all: Vec<Bar> = measured
        .iter()
        .map(|row| Bar {
            label: run_name(row),
            value: row.cpu_s_per_million,
            text: format!("{:.2} s", row.cpu_s_per_million),
            colour: colour_of(&row.target, &targets),
        })
        .collect();
    Some(section("Server CPU per million packets", "Less is better.", &bars(&all)))
}

/// A plot of lines: one for each scenario if servers are compared, one with everything otherwise.
fn per_scenario(
    title: &str,
    text: &str,
    rows: &[Row],
    x: &Axis,
    y: &Axis,
    points: impl Fn(&Row) -> Vec<(f64, f64)>,
) -> Option<String> {
    let is_comparison = rows.iter().any(|row| row.target != rows[0].target);
    let groups: Vec<(&str, Vec<&Row>)> =
        if is_comparison { by_scenario(rows) } else { vec![("", rows.iter().collect())] };
    let mut body = String::new();
    for (name, rows) in groups {
        let series: Vec<Series> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| Series {
                name: if is_comparison { row.target.clone() } else { run_name(row) },
                points: points(row),
                colour: if is_comparison { colour_of(&row.target, &rows) } else { index },
                shape: Shape::Line,
            })
            .filter(|series| series.points.len() > 1)
            .collect();
        if !series.is_empty() {
            let heading = if name.is_empty() { String::new() } else { format!("<h3>{}</h3>", escape(name)) };
            body += &format!("{heading}{}", lines(x, y, &series));
        }
    }
    (!body.is_empty()).then(|| section(title, text, &body))
}

fn section(title: &str, text: &str, body: &str) -> String {
    let text = if text.is_empty() { String::new() } else { format!("<p>{}</p>", escape(text)) };
    format!("<section><h2>{}</h2>{text}{body}</section>", escape(title))
}

fn linear(label: &'static str, from_zero: bool) -> Axis {
    Axis { label, scale: Scale::Linear { from_zero } }
}

/// What tells a row from others of one server.
fn run_name(row: &Row) -> String {
    match row.extra.get("sweep").and_then(|sweep| sweep["value"].as_u64()) {
        Some(value) => format!("{} · {value}", row.scenario),
        None if row.target == "tillside" => row.scenario.clone(),
        None => format!("{} · {}", row.scenario, row.target),
    }
}

/// Ours is always the first colour.
fn colour_of(target: &str, rows: &[&Row]) -> usize {
    let others: Vec<&str> = rows.iter().map(|row| row.target.as_str()).filter(|target| *target != "tillside").collect();
    others.iter().position(|other| *other == target).map_or(0, |index| index + 1)
}

fn by_scenario(rows: &[Row]) -> Vec<(&str, Vec<&Row>)> {
    let mut order: Vec<&str> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if !order.contains(&row.scenario.as_str()) {
            order.push(&row.scenario);
        }
        groups.entry(&row.scenario).or_default().push(row);
    }
    order.into_iter().map(|name| (name, groups.remove(name).unwrap_or_default())).collect()
}
