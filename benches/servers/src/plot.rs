//! Latencies as a curve, by nines, so that the slow ones are seen.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

const COLOURS: [RGBColor; 5] = [
    RGBColor(214, 39, 40),
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
];

/// Of sorted times in ns; the first line is on top, and thick.
pub fn draw(file: &Path, title: &str, lines: &[(&str, Vec<u64>)]) -> Result<(), Box<dyn Error>> {
    let curve = |times: &[u64]| -> Vec<(f64, f64)> {
        let most = (times.len() as f64).log10();
        let nines = (0..=200).map(|k| most * f64::from(k) / 200.0);
        let point = |nines: f64| {
            let rank = times.len() as f64 * (1.0 - 10f64.powf(-nines));
            (times[(rank as usize).min(times.len() - 1)] as f64, nines)
        };
        nines.map(point).collect()
    };
    let lines = lines.iter().filter(|(_, times)| !times.is_empty());
    let lines: Vec<_> = lines.map(|(name, times)| (*name, curve(times))).collect();
    let points = || lines.iter().flat_map(|(_, points)| points);
    let least = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let most = points().map(|p| p.0).fold(0.0, f64::max);
    let top = points().map(|p| p.1).fold(0.0, f64::max);
    let power = |time: f64, round: fn(f64) -> f64| 10f64.powf(round(time.log10()));

    let root = SVGBackend::new(file, (960, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 19))
        .margin(12)
        .x_label_area_size(46)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (power(least, f64::floor)..power(most, f64::ceil)).log_scale(),
            0.0..top,
        )?;
    chart
        .configure_mesh()
        .x_desc("from when the request was due to its answer (logarithmic)")
        .y_desc("share of the requests within that time")
        .axis_desc_style(("sans-serif", 15))
        .label_style(("sans-serif", 14))
        .x_label_formatter(&|ns| match ns {
            ns if *ns < 999e3 => format!("{:.0} us", ns / 1e3),
            ns if *ns < 999e6 => format!("{:.0} ms", ns / 1e6),
            ns => format!("{:.0} s", ns / 1e9),
        })
        .y_label_formatter(&|nines| match nines.fract() {
            0.0 => format!(
                "{} %",
                ((100.0 - 10f64.powf(2.0 - nines)) * 1e6).round() / 1e6
            ),
            _ => String::new(),
        })
        .light_line_style(BLACK.mix(0.04))
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    for (k, (name, points)) in lines.iter().enumerate().rev() {
        let style = COLOURS[k].stroke_width(if k == 0 { 4 } else { 2 });
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 14))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    root.present()?;
    Ok(())
}
