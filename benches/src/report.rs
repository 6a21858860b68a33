//! The report: one page that needs no network and no script, with the figures and what they look like.

mod figures;
mod plot;
mod style;

use crate::compare::Ratio;
use crate::origin;
use crate::outcome::Row;
use plot::escape;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where a run's figures are written, besides the terminal.
#[derive(clap::Args)]
pub(crate) struct Outputs {
    /// Writes the figures as JSON here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes a page with plots here
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Outputs {
    /// Writes what was asked for; `body` is the JSON without what every report has.
    ///
    /// # Errors
    /// A sentence for people: a file cannot be written.
    pub(crate) fn write(
        &self,
        command: &str,
        valid: bool,
        method: &str,
        rows: &[Row],
        ratios: &[Ratio],
        body: serde_json::Value,
    ) -> Result<(), String> {
        if let Some(path) = &self.json {
            origin::write(path, command, valid, method, body)?;
        }
        match &self.report {
            Some(path) => write(path, command, valid, method, rows, ratios),
            None => Ok(()),
        }
    }
}

/// A straight line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    /// How much of the spread the line explains, 0 to 1.
    pub(crate) r2: f64,
}

/// The least-squares line; `None` for fewer than two different places.
pub(crate) fn fit(points: &[(f64, f64)]) -> Option<Fit> {
    let count = points.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |part: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>();
    let xx = sum(&|point| (point.0 - x).powi(2));
    let xy = sum(&|point| (point.0 - x) * (point.1 - y));
    let yy = sum(&|point| (point.1 - y).powi(2));
    if points.len() < 2 || xx == 0.0 {
        return None;
    }
    let r2 = if yy == 0.0 { 1.0 } else { xy * xy / (xx * yy) };
    Some(Fit { slope: xy / xx, intercept: y - xy / xx * x, r2 })
}

/// Writes the page.
///
/// # Errors
/// A sentence for people: the file cannot be written.
fn write(path: &Path, command: &str, valid: bool, method: &str, rows: &[Row], ratios: &[Ratio]) -> Result<(), String> {
    let page = page(command, valid, method, rows, ratios);
    std::fs::write(path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn page(command: &str, valid: bool, method: &str, rows: &[Row], ratios: &[Ratio]) -> String {
    let title = match ratios.first() {
        Some(ratio) => format!("Tillside and {}", ratio.against),
        None => rows.first().map_or_else(|| "Tillside".to_owned(), |row| format!("Tillside: {}", row.scenario)),
    };
    let mut body = String::new();
    body.push_str(&header(&title, command, valid));
    body.push_str(&figures::tiles(rows, ratios));
    for section in [
        figures::ratios(rows, ratios),
        figures::sweep(rows),
        figures::memory(rows),
        figures::delay(rows),
        figures::timeline(rows),
        figures::cpu(rows),
    ] {
        body.push_str(&section.unwrap_or_default());
    }
    body.push_str(&table(rows));
    write!(
        body,
        "<section><h2>Method</h2><p class=\"method\">{}.</p>{}</section>",
        escape(method),
        definitions(&origin_of())
    )
    .expect("strings take everything");
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{}</style></head>\
         <body><main>{body}</main></body></html>\n",
        style::CSS,
        title = escape(&title),
    )
}

fn header(title: &str, command: &str, valid: bool) -> String {
    let badge =
        if valid { "<span class=\"badge good\">valid</span>" } else { "<span class=\"badge bad\">not valid</span>" };
    format!(
        "<header><p class=\"kicker\">tillside-bench {} · commit {}</p><h1>{} {badge}</h1></header>",
        escape(command),
        escape(&origin::commit()),
        escape(title),
    )
}

/// Where the figures come from, as pairs of name and value.
fn origin_of() -> Vec<(String, String)> {
    let machine = origin::machine();
    let mut pairs = vec![("commit".to_owned(), origin::commit())];
    if let Some(fields) = machine.as_object() {
        pairs.extend(fields.iter().map(|(name, value)| {
            (name.replace('_', " "), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
    }
    pairs
}

fn definitions(pairs: &[(String, String)]) -> String {
    let entries =
        pairs.iter().map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value)));
    format!("<dl>{}</dl>", entries.collect::<String>())
}

/// All rows, with what made some of them not count.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "<section><h2>All figures</h2><div class=\"scroll\"><table><thead><tr><th>run<th>server<th>packets/s<th>per CPU \
         second<th>Mbit per CPU s<th>CPU s per million<th>delay p50<th>p99<th>p99.9<th>loss<th>join p50<th>join p95\
         <th>memory<th>driver<th>SRTP</tr></thead><tbody>",
    );
    for row in rows {
        let class = if row.valid { "" } else { " class=\"void\"" };
        let note = match row.valid {
            true => String::new(),
            false => format!("<div class=\"why\">{}</div>", escape(&row.invalid_because.join("; "))),
        };
        let join = if row.join_ms.max > 0.0 { row.join_ms } else { row.connect_ms };
        write!(
            text,
            "<tr{class}><td><b>{}</b><div class=\"sub\">{}</div>{note}<td>{}<td>{}<td>{}<td>{}<td>{:.2}<td>{:.3} ms\
             <td>{:.3} ms<td>{:.3} ms<td>{:.4} %<td>{:.0} ms<td>{:.0} ms<td>{:.1} MiB<td>{:.0} %<td>{}</tr>",
            escape(&row.scenario),
            escape(&row.workload),
            escape(&row.target),
            plot::thousands(row.packets_per_s),
            plot::thousands(row.packets_per_cpu_s),
            plot::thousands(row.mbit_per_cpu_s),
            row.cpu_s_per_million,
            row.delay_ms.p50,
            row.delay_ms.p99,
            row.delay_ms.p999,
            row.loss * 100.0,
            join.p50,
            join.p95,
            row.rss_mib,
            row.driver_busy * 100.0,
            escape(row.srtp.trim_start_matches("SRTP_")),
        )
        .expect("strings take everything");
    }
    text + "</tbody></table></div></section>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Second, Spread};

    #[test]
    fn a_line_is_found() {
        let line = fit(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]).unwrap();
        assert_eq!((line.slope, line.intercept, line.r2), (2.0, 1.0, 1.0));
        assert_eq!(fit(&[(1.0, 1.0)]), None);
        assert!(fit(&[(0.0, 0.0), (1.0, 5.0), (2.0, 0.0)]).unwrap().r2 < 0.1);
    }

    #[test]
    fn a_page_needs_nothing_and_shows_what_is_not_valid() {
        let mut row = Row {
            scenario: "broadcast <100>".to_owned(),
            target: "tillside".to_owned(),
            packets_per_cpu_s: 500_000.0,
            delay_ms: Spread { p50: 0.1, p99: 0.4, ..Spread::default() },
            delay_distribution: vec![(0.5, 0.1), (0.99, 0.4)],
            timeline: (0..4).map(|at| Second { at: f64::from(at), packets_per_s: 9.0, ..Second::default() }).collect(),
            valid: true,
            ..Row::default()
        };
        row.invalidate("the driver was busy".to_owned());
        let page = page("load", false, "measured", &[row], &[]);
        assert!(page.contains("broadcast &lt;100&gt;") && page.contains("the driver was busy"));
        assert!(page.contains("<svg") && page.contains("not valid"));
        for outside in ["http://", "https://", "<script", "<link", "@import", "NaN"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
