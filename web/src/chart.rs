//! Charts, drawn with plotters' SVG backend: sharp at any zoom, readable text.
//!
//! Colours are those of the light theme; the style sheet maps them to the other themes by attribute, so that a theme
//! switch draws nothing anew.

use engine::SimTime;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use view::{Clock, CostSeries, Timeline, format};
use yew::{Html, html};

const WIDTH: u32 = 560;
const HEIGHT: u32 = 180;
/// The band above the rate that shows the number of nodes.
const BAND: (i32, i32) = (6, 36);
const ON_DEMAND: RGBColor = RGBColor(0x0b, 0x63, 0xb6);
const SPOT: RGBColor = RGBColor(0xb4, 0x53, 0x00);
const MUTED: RGBColor = RGBColor(0x59, 0x63, 0x6e);
const GRID: RGBColor = RGBColor(0xd0, 0xd7, 0xde);
const NODES: RGBColor = RGBColor(0x5b, 0x3f, 0xa8);
/// Room at the left for the rate's labels, at the right for the node count's.
const EDGES: (i32, i32, i32, i32) = (46, 26, 46, 22);

/// Step-after areas of the hourly rate (on demand below, spot above), a dashed line for the same nodes on demand, and
/// a line for the number of nodes. Empty where nothing can be drawn.
pub fn cost(series: &CostSeries, clock: Clock) -> String {
    let mut out = String::new();
    let drawn = draw(series, clock, &mut out);
    if drawn.is_err() { String::new() } else { out }
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn draw(series: &CostSeries, clock: Clock, out: &mut String) -> Drawn {
    let root = SVGBackend::with_string(out, (WIDTH, HEIGHT)).into_drawing_area();
    let (left, right, top, bottom) = EDGES;
    let (w, h) = (WIDTH as i32 - left - right, HEIGHT as i32 - top - bottom);
    let most = series.steps.iter().map(|s| s.all_on_demand_micro.max(s.rate_micro())).max().unwrap_or(0).max(100_000);
    let unit = nice_step(most);
    let ceiling = (most / unit + 1) * unit;
    let nodes_most = i64::from(series.steps.iter().map(|s| s.nodes()).max().unwrap_or(1)).max(4);
    let span = i64::try_from(series.until.since(series.from)).unwrap_or(1).max(1);
    let x =
        |t: SimTime| left + i32::try_from(i64::try_from(t.since(series.from)).unwrap_or(0) * i64::from(w) / span).unwrap_or(0);
    let y = |micro: i64| top + h - i32::try_from(micro.saturating_mul(i64::from(h)) / ceiling).unwrap_or(0);
    let yn = |nodes: u32| BAND.1 - i32::try_from(i64::from(nodes) * i64::from(BAND.1 - BAND.0) / nodes_most).unwrap_or(0);
    let text = |anchor: HPos| ("sans-serif", 11).into_font().color(&MUTED).pos(Pos::new(anchor, VPos::Center));
    for i in 0..=(ceiling / unit) {
        let at = y(i * unit);
        root.draw(&PathElement::new(vec![(left, at), (left + w, at)], GRID.stroke_width(1)))?;
        root.draw(&Text::new(format::usd(i * unit, if unit < 10_000 { 3 } else { 2 }), (left - 6, at), text(HPos::Right)))?;
    }
    for i in 0..=4_u64 {
        let t = SimTime(series.from.ms() + series.until.since(series.from) * i / 4);
        let label = clock.at(t);
        let anchor = match i {
            0 => HPos::Left,
            4 => HPos::Right,
            _ => HPos::Center,
        };
        root.draw(&Text::new(label, (x(t), top + h + 12), text(anchor)))?;
    }
    let now = series.steps.last().map_or(series.until, |_| series.until);
    let steps = || series.steps.iter().enumerate().map(|(i, s)| (s, series.steps.get(i + 1).map_or(now, |n| n.from)));
    for (s, end) in steps() {
        let (x0, x1) = (x(s.from), x(end));
        if x1 <= x0 {
            continue;
        }
        root.draw(&Rectangle::new([(x0, y(s.on_demand_micro)), (x1, y(0))], ON_DEMAND.filled()))?;
        if s.spot_micro > 0 {
            root.draw(&Rectangle::new([(x0, y(s.rate_micro())), (x1, y(s.on_demand_micro))], SPOT.filled()))?;
        }
    }
    let line = |value: &dyn Fn(&view::cost::Step) -> i32| {
        let mut points = Vec::new();
        for (s, end) in steps() {
            points.push((x(s.from), value(s)));
            points.push((x(end), value(s)));
        }
        points
    };
    let dashed = line(&|s| y(s.all_on_demand_micro));
    for piece in dashes(&dashed) {
        root.draw(&PathElement::new(piece, MUTED.stroke_width(1)))?;
    }
    root.draw(&PathElement::new(vec![(left, BAND.1), (left + w, BAND.1)], GRID.stroke_width(1)))?;
    root.draw(&PathElement::new(line(&|s| yn(s.nodes())), NODES.stroke_width(2)))?;
    if let Some(s) = series.steps.last() {
        root.draw(&Text::new(
            format!("{}", s.nodes()),
            (left + w + 6, yn(s.nodes())),
            ("sans-serif", 11).into_font().color(&NODES).pos(Pos::new(HPos::Left, VPos::Center)),
        ))?;
    }
    root.present()
}

/// A path as dashes of four with gaps of three, along horizontal runs; risers are drawn whole.
fn dashes(points: &[(i32, i32)]) -> Vec<Vec<(i32, i32)>> {
    let mut out = Vec::new();
    for pair in points.windows(2) {
        let [(x0, y0), (x1, y1)] = pair else { continue };
        if y0 != y1 {
            out.push(vec![(*x0, *y0), (*x1, *y1)]);
            continue;
        }
        let mut at = *x0;
        while at < *x1 {
            out.push(vec![(at, *y0), ((at + 4).min(*x1), *y0)]);
            at += 7;
        }
    }
    out
}

/// A step of 1, 2 or 5 times a power of ten that gives three to six lines.
fn nice_step(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = unit * factor;
            if most / step < 5 {
                return step;
            }
        }
        unit *= 10;
    }
}

/// The rate as an area over the strip's 10,000 x 100 units.
pub fn strip(series: &CostSeries, timeline: &Timeline, until: SimTime) -> Html {
    let most = series.steps.iter().map(|s| s.rate_micro()).max().unwrap_or(0).max(1);
    let mut path = String::from("M0 100");
    let x = |t: SimTime| timeline.position(t, until);
    for (i, s) in series.steps.iter().enumerate() {
        let end = series.steps.get(i + 1).map_or(timeline.now, |n| n.from.min(timeline.now));
        let y = 100 - s.rate_micro().saturating_mul(70) / most;
        path += &format!("L{} {y}L{} {y}", x(s.from), x(end));
    }
    path += &format!("L{} 100Z", x(timeline.now));
    html! { <path class="nw-strip-area" d={path} /> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::cost::Step;

    #[test]
    fn steps_are_round() {
        for (most, want) in [(100_000, 50_000), (475_000, 100_000), (1_200_000, 500_000)] {
            assert_eq!(nice_step(most), want);
        }
    }

    #[test]
    fn draws_without_style_attributes() {
        let step = |s: u64, od: i64, spot: i64| Step {
            from: SimTime::secs(s),
            on_demand_micro: od,
            spot_micro: spot,
            all_on_demand_micro: od + 2 * spot,
            nodes_on_demand: 2,
            nodes_spot: u32::from(spot > 0),
        };
        let series = CostSeries {
            steps: vec![step(0, 236_000, 0), step(60, 236_000, 239_000)],
            from: SimTime::ZERO,
            until: SimTime::secs(120),
            rate_micro: 475_000,
            spent_micro: 0,
            spent_on_demand_micro: 0,
        };
        let svg = cost(&series, Clock { epoch_ms: 0, zone: view::Zone::Korea });
        assert!(svg.starts_with("<svg") && svg.contains("#0B63B6") && svg.contains("#B45300"), "{svg}");
        assert!(!svg.contains("style="), "a strict style-src refuses style attributes");
    }
}
