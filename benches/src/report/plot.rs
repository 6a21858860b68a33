//! Plots as inline SVG: lines, points and bars with axes that read well.

use std::fmt::Write as _;

/// Size of a plot, in SVG units.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
/// Room for the axes.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;
/// Colour classes of series, ours first.
const COLOURS: usize = 6;

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) label: &'static str,
    pub(super) scale: Scale,
}

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0, or from where the values begin.
    Linear { from_zero: bool },
    /// Powers of ten.
    Log,
    /// Quantiles, with as much room for each nine.
    Nines,
}

/// Points of one colour.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Which colour.
    pub(super) colour: usize,
    pub(super) shape: Shape,
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Points,
    Dashed,
}

/// A horizontal bar.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// What stands at its end.
    pub(super) text: String,
    pub(super) colour: usize,
}

/// Draws series over two axes, with a legend where there are several.
pub(super) fn lines(x: &Axis, y: &Axis, series: &[Series]) -> String {
    let values = |part: fn(&(f64, f64)) -> f64| series.iter().flat_map(|s| &s.points).map(part).collect::<Vec<f64>>();
    let horizontal = Range::of(x.scale, &values(|point| point.0), LEFT, WIDTH - RIGHT);
    let vertical = Range::of(y.scale, &values(|point| point.1), HEIGHT - BOTTOM, TOP);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for (value, text) in vertical.ticks() {
        let at = vertical.place(value);
        write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{text}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        )
        .expect("strings take everything");
    }
    for (value, text) in horizontal.ticks() {
        let at = horizontal.place(value);
        write!(svg, "<text class=\"tick middle\" x=\"{at:.1}\" y=\"{}\">{text}</text>", HEIGHT - BOTTOM + 18.0)
            .expect("strings take everything");
    }
    write!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{base}\" y2=\"{base}\"/>\
         <text class=\"label middle\" x=\"{}\" y=\"{}\">{}</text>\
         <text class=\"label middle\" transform=\"translate(14 {}) rotate(-90)\">{}</text>",
        WIDTH - RIGHT,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 6.0,
        escape(x.label),
        (TOP + HEIGHT - BOTTOM) / 2.0,
        escape(y.label),
        base = HEIGHT - BOTTOM,
    )
    .expect("strings take everything");
    series.iter().for_each(|series| draw(&mut svg, series, &horizontal, &vertical));
    svg.push_str("</svg>");
    legend(series) + &svg
}

fn draw(svg: &mut String, series: &Series, horizontal: &Range, vertical: &Range) {
    let colour = series.colour % COLOURS;
    let places = series.points.iter().map(|(x, y)| (horizontal.place(*x), vertical.place(*y)));
    if series.shape != Shape::Points {
        let path: Vec<String> = places.clone().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let class = if series.shape == Shape::Dashed { "line dashed" } else { "line" };
        write!(svg, "<polyline class=\"{class} c{colour}\" points=\"{}\"/>", path.join(" "))
            .expect("strings take everything");
    }
    if series.shape == Shape::Dashed {
        return;
    }
    for ((x, y), (value_x, value_y)) in places.zip(&series.points) {
        write!(
            svg,
            "<circle class=\"dot c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"><title>{}: {} · {}</title></circle>",
            escape(&series.name),
            plain(*value_x),
            plain(*value_y)
        )
        .expect("strings take everything");
    }
}

fn legend(series: &[Series]) -> String {
    if series.len() < 2 {
        return String::new();
    }
    let entry = |series: &Series| {
        let dashed = if series.shape == Shape::Dashed { " dashed" } else { "" };
        format!("<span><i class=\"key c{}{dashed}\"></i>{}</span>", series.colour % COLOURS, escape(&series.name))
    };
    format!("<p class=\"legend\">{}</p>", series.iter().map(entry).collect::<String>())
}

/// Draws bars that share a scale, which begins at 0.
pub(super) fn bars(bars: &[Bar]) -> String {
    let largest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max).max(1e-12);
    let row = |bar: &Bar| {
        format!(
            "<div class=\"bar\"><span class=\"name\">{}</span><span class=\"track\"><i class=\"c{}\" \
             style=\"width:{:.2}%\"></i></span><span class=\"value\">{}</span></div>",
            escape(&bar.label),
            bar.colour % COLOURS,
            bar.value / largest * 100.0,
            escape(&bar.text)
        )
    };
    format!("<div class=\"bars\">{}</div>", bars.iter().map(row).collect::<String>())
}

/// A stretch of values and the places it is drawn at.
struct Range {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Range {
    fn of(scale: Scale, values: &[f64], from: f64, to: f64) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (mut low, mut high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        match scale {
            Scale::Linear { from_zero } => {
                let reach = if from_zero { high } else { high - low };
                let step = step(reach.max(1e-9));
                low = if from_zero { 0.0 } else { (low / step).floor() * step };
                high = (high / step).ceil() * step;
                high = if high > low { high } else { low + 1.0 };
            }
            Scale::Log => {
                low = 10_f64.powf(low.max(1e-6).log10().floor());
                high = 10_f64.powf(high.max(1e-6).log10().ceil());
                high = if high > low { high } else { low * 10.0 };
            }
            Scale::Nines => (low, high) = (0.0, high.min(0.9999)),
        }
        Self { scale, low, high, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let (low, high, value) = (self.flat(self.low), self.flat(self.high), self.flat(value));
        self.from + (value - low) / (high - low) * (self.to - self.from)
    }

    fn flat(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear { .. } => value,
            Scale::Log => value.max(1e-6).log10(),
            Scale::Nines => -(1.0 - value.min(0.99999)).log10(),
        }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let with_text = |value: f64| (value, short(value));
        match self.scale {
            Scale::Linear { .. } => {
                let step = step(self.high - self.low);
                let count = ((self.high - self.low) / step).round() as usize;
                (0..=count).map(|n| with_text(self.low + n as f64 * step)).collect()
            }
            Scale::Log => {
                let (low, high) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
                (low..=high).map(|power| with_text(10_f64.powi(power))).collect()
            }
            Scale::Nines => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999]
                .into_iter()
                .filter(|quantile| *quantile <= self.high + 1e-9)
                .map(|quantile| (quantile, format!("{} %", plain(quantile * 100.0))))
                .collect(),
        }
    }
}

/// A round number of which about five fit into `reach`.
fn step(reach: f64) -> f64 {
    let rough = reach / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|step| *step >= rough * 0.999).unwrap_or(power * 10.0)
}

/// A number in few characters: `12k`, `1.5M`.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e6 => format!("{}M", plain(value / 1e6)),
        v if v >= 1e4 => format!("{}k", plain(value / 1e3)),
        _ => plain(value),
    }
}

/// A number with up to four digits behind the point, without zeros at its end.
fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number with thin spaces between thousands.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// Text that means nothing to HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let texts = |scale, values: &[f64]| {
            let range = Range::of(scale, values, 0.0, 100.0);
            assert!(values.iter().all(|value| (-1e-6..=100.0 + 1e-6).contains(&range.place(*value))));
            range.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts(Scale::Linear { from_zero: true }, &[3.0, 97.0]), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(texts(Scale::Log, &[0.02, 30.0]), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(texts(Scale::Nines, &[0.5, 0.999]), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert!(!texts(Scale::Linear { from_zero: true }, &[]).is_empty(), "nothing can be drawn, too");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(1_500_000.0), short(12_000.0), short(0.25), short(7.0)], ["1.5M", "12k", "0.25", "7"]);
        assert_eq!(thousands(1_234_567.0), "1\u{202F}234\u{202F}567");
    }
}
