//! The report as a picture: who waits, who is inside, and the polls, over time.

use plotters::prelude::{
    BLACK, BLUE, ChartBuilder, Color as _, DrawingArea, DrawingAreaErrorKind, GREEN, IntoDrawingArea as _, LineSeries, MAGENTA,
    RED, RGBColor, SVGBackend, WHITE,
};

use super::{Report, Sample};

const SIZE: (u32, u32) = (900, 900);

/// The picture could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the chart cannot be drawn: {0}")]
pub struct ChartError(String);

type Panel<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Figure = (&'static str, RGBColor, fn(&Sample) -> u64);

const FIGURES: [Figure; 4] = [
    ("waiting", BLUE, |sample| sample.waiting),
    ("inside", GREEN, |sample| sample.inside),
    ("rate per minute", MAGENTA, |sample| u64::from(sample.rate_per_min)),
    ("polls per second", RED, |sample| sample.polls_per_s),
];

/// The sale over time, as SVG.
pub fn svg(report: &Report) -> Result<String, ChartError> {
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    draw(report, &root).map_err(|error| ChartError(error.to_string()))?;
    drop(root);
    Ok(text)
}

fn draw(report: &Report, root: &Panel<'_>) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    root.fill(&WHITE)?;
    for (panel, figure) in root.split_evenly((FIGURES.len(), 1)).iter().zip(FIGURES) {
        line(report, panel, figure)?;
    }
    root.present()
}

fn line(report: &Report, panel: &Panel<'_>, (name, color, value): Figure) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let points = || report.timeline.iter().map(|sample| (sample.at_s, value(sample)));
    let (first, last) = (report.timeline.first().map_or(0, |s| s.at_s), report.timeline.last().map_or(0, |s| s.at_s));
    let highest = points().map(|(_, value)| value).max().unwrap_or(0).max(1);
    let mut chart = ChartBuilder::on(panel)
        .caption(name, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(80)
        .build_cartesian_2d(first..last.max(first + 1), 0..highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .axis_style(BLACK)
        .x_label_formatter(&|second| format!("{} min", second / 60))
        .draw()?;
    chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?;
    Ok(())
}
