//! Charts, drawn here as SVG. Their colours are classes, so that the stylesheet gives
//! them the theme's, and they carry no styles of their own.

use maud::{Markup, PreEscaped, html};
use plotters::prelude::{
    ChartBuilder, Color, DrawingAreaErrorKind, IntoDrawingArea, IntoFont, IntoSegmentedCoord,
    RGBColor, Rectangle, SVGBackend, SegmentValue, TRANSPARENT,
};

/// One bar: what it stands for, and how many of each kind.
#[derive(Clone, Debug, Default)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How many were verified.
    pub verified: u64,
    /// How many failed.
    pub failed: u64,
    /// How many ended otherwise.
    pub other: u64,
}

/// What is drawn in which colour, each of which becomes a class.
/// The colour of what stands beside.
pub const TEXT: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
/// The colour of what is well.
pub const VERIFIED: RGBColor = RGBColor(3, 3, 3);
const FAILED: RGBColor = RGBColor(4, 4, 4);
const OTHER: RGBColor = RGBColor(5, 5, 5);

const CLASSES: [(RGBColor, &str); 5] =
    [(TEXT, "text"), (GRID, "grid"), (VERIFIED, "good"), (FAILED, "bad"), (OTHER, "quiet")];

/// Width and height of the chart for wide pages and for narrow ones.
const WIDE: (u32, u32) = (920, 210);
const NARROW: (u32, u32) = (340, 190);

/// Bars upon each other, one for each stretch of time, with a legend.
#[must_use]
pub fn bars(title: &str, bars: &[Bar]) -> Markup {
    html! {
        figure.chart {
            figcaption {
                span.strong { (title) } " "
                span.key.good { "verified" } " " span.key.bad { "failed" } " "
                span.key.quiet { "expired, canceled" }
            }
            @if bars.iter().all(|bar| bar.verified + bar.failed + bar.other == 0) {
                p.empty { "No verification of this time has ended yet. Each that ends adds to a bar here." }
            } @else {
                div.wide role="img" aria-label=(in_words(title, bars)) { (drawn(bars, WIDE)) }
                div.narrow aria-hidden="true" { (drawn(bars, NARROW)) }
            }
        }
    }
}

fn in_words(title: &str, bars: &[Bar]) -> String {
    let sum = |of: fn(&Bar) -> u64| bars.iter().map(of).sum::<u64>();
    let (verified, failed) = (sum(|bar| bar.verified), sum(|bar| bar.failed));
    format!("{title}: {verified} verified, {failed} failed, {} otherwise", sum(|bar| bar.other))
}

fn drawn(bars: &[Bar], size: (u32, u32)) -> Markup {
    let mut svg = String::new();
    // Into a text nothing fails to be written; a chart that fails is left out.
    if let Err(error) = draw(&mut svg, bars, size) {
        tracing::warn!(error = %error, "a chart was not drawn");
        return html! {};
    }
    classed(svg)
}

/// The same with classes in place of colours.
#[must_use]
pub fn classed(mut svg: String) -> Markup {
    for (RGBColor(r, g, b), class) in CLASSES {
        for attribute in ["fill", "stroke"] {
            let colour = format!("{attribute}=\"#{r:02X}{g:02X}{b:02X}\"");
            svg = svg.replace(&colour, &format!("class=\"{class}\""));
        }
    }
    PreEscaped(svg)
}

/// Why nothing was drawn.
pub type Failed<'a> =
    DrawingAreaErrorKind<<SVGBackend<'a> as plotters::prelude::DrawingBackend>::ErrorType>;

fn draw<'a>(svg: &'a mut String, bars: &[Bar], size: (u32, u32)) -> Result<(), Failed<'a>> {
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    let count = i32::try_from(bars.len()).unwrap_or(i32::MAX);
    let highest = bars.iter().map(|bar| bar.verified + bar.failed + bar.other).max().unwrap_or(0);
    let mut chart = ChartBuilder::on(&area)
        .margin_top(6)
        .x_label_area_size(22)
        .y_label_area_size(44)
        .build_cartesian_2d((0..count).into_segmented(), 0..highest.max(4) + highest / 12)?;
    let label = ("sans-serif", 14).into_font().color(&TEXT);
    let label_of = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(place) | SegmentValue::Exact(place) => {
            let bar = usize::try_from(*place).ok().and_then(|place| bars.get(place));
            bar.map_or(String::new(), |bar| bar.label.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(label)
        .x_labels(if size.0 < 500 { 6 } else { 12 })
        .x_label_formatter(&label_of)
        .y_labels(4)
        .draw()?;
    let parts = (0i32..).zip(bars).flat_map(|(place, bar)| {
        let (first, second) = (bar.verified, bar.verified + bar.failed);
        let parts =
            [(0, first, VERIFIED), (first, second, FAILED), (second, second + bar.other, OTHER)];
        parts.into_iter().filter(|(from, to, _)| from != to).map(move |(from, to, colour)| {
            let corners =
                [(SegmentValue::Exact(place), from), (SegmentValue::Exact(place + 1), to)];
            let mut part = Rectangle::new(corners, colour.filled());
            part.set_margin(0, 0, 2, 2);
            part
        })
    });
    chart.draw_series(parts)?;
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_classes_and_neither_colours_nor_styles_of_its_own() {
        let one = Bar { label: "12".to_owned(), verified: 7, failed: 2, other: 1 };
        let chart = bars("By hour", &[one, Bar::default()]).0;
        for wanted in
            ["<svg", "class=\"good\"", "class=\"bad\"", "class=\"quiet\"", "\n12\n</text>"]
        {
            assert!(chart.contains(wanted), "{wanted}: {chart}");
        }
        assert!(chart.contains("By hour: 7 verified, 2 failed, 1 otherwise"));
        assert!(!chart.contains("style=") && !chart.contains("=\"#0"), "{chart}");
    }

    #[test]
    fn a_chart_of_nothing_is_no_bare_grid_and_says_what_will_be_there() {
        for nothing in [&[][..], &[Bar::default(), Bar::default()]] {
            let chart = bars("By hour", nothing).0;
            assert!(!chart.contains("<svg") && chart.contains("adds to a bar here"), "{chart}");
        }
        let one = Bar { other: 1, ..Bar::default() };
        assert!(bars("By hour", &[one]).0.contains("<svg"));
    }
}
