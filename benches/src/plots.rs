//! Curves, as SVG: latencies, scaling, and where maps break even.

use std::error::Error;
use std::path::Path;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use crate::maps::{AFTER_PAUSE, IN_A_ROW, SCALING};
use crate::report::{Figures, speed_ups};
use crate::table::{Role, Shape};

/// Draws what there is.
pub fn draw(tables: &[Figures], directory: &Path) -> Result<(), Box<dyn Error>> {
    let palette = Palette::new(tables);
    for table in tables.iter().filter(|t| t.shape == Shape::Latency) {
        let plot = latencies(table);
        plot.draw(&directory.join(format!("{}.svg", table.id)), &palette)?;
    }
    for (curve, file, title, x) in [
        (
            SCALING,
            "scaling.svg",
            "Map of 10 000 elements of 1 us: speed-up over the plain loop",
            Axis::Threads,
        ),
        (
            AFTER_PAUSE,
            "break-even-after-pause.svg",
            "One map after a pause of 1 ms: speed-up over the plain loop",
            Axis::Work,
        ),
        (
            IN_A_ROW,
            "break-even-in-a-row.svg",
            "20 maps in a row after a pause of 1 ms: speed-up over the plain loop",
            Axis::Work,
        ),
    ] {
        let points: Vec<_> = tables.iter().filter(|t| t.curve == Some(curve)).collect();
        if points.len() > 1 {
            let plot = Plot {
                title: title.to_string(),
                x,
                y: Axis::SpeedUp,
                lines: speed_ups(&points),
            };
            plot.draw(&directory.join(file), &palette)?;
        }
    }
    Ok(())
}

/// How many samples are not above a time. The scale is by nines, so that the slow ones are seen.
fn latencies(table: &Figures) -> Plot {
    let lines = table.rows.iter().filter(|row| row.failure.is_none());
    let lines = lines.map(|row| {
        let quantiles = row.quantiles.iter();
        let known = quantiles.filter(|(share, _)| (1.0 - share) * row.samples as f64 >= 1.0);
        let points = known.map(|(share, time)| (*time, -(1.0 - share).log10()));
        (row.contestant.clone(), points.collect())
    });
    Plot {
        title: table.title.clone(),
        x: Axis::Latency,
        y: Axis::Nines,
        lines: lines.collect(),
    }
}

struct Plot {
    title: String,
    x: Axis,
    y: Axis,
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Latency,
    Nines,
    Threads,
    Work,
    SpeedUp,
}

impl Axis {
    fn title(self) -> &'static str {
        match self {
            Self::Latency => "time (logarithmic)",
            Self::Nines => "share of the samples within that time",
            Self::Threads => "threads that compute",
            Self::Work => "work in all: what the plain loop takes (logarithmic)",
            Self::SpeedUp => "times as fast as the plain loop",
        }
    }

    fn label(self, value: f64) -> String {
        match self {
            Self::Latency | Self::Work => match value {
                _ if value < 999.0 => format!("{value:.0} ns"),
                _ if value < 999e3 => format!("{:.0} us", value / 1e3),
                _ if value < 999e6 => format!("{:.0} ms", value / 1e6),
                _ => format!("{:.0} s", value / 1e9),
            },
            Self::Nines => {
                let percent = 100.0 - 10f64.powf(2.0 - value);
                format!("{} %", (percent * 1e6).round() / 1e6)
            }
            Self::Threads | Self::SpeedUp => format!("{}", (value * 1e6).round() / 1e6),
        }
    }
}

const WHOLE: (u32, u32) = (1040, 560);
const LEGEND: i32 = 250;
const FONT: &str = "sans-serif";

impl Plot {
    fn draw(&self, file: &Path, palette: &Palette) -> Result<(), Box<dyn Error>> {
        let root = SVGBackend::new(file, WHOLE).into_drawing_area();
        root.fill(&WHITE)?;
        root.titled(&self.title, (FONT, 19))?;
        let (left, legend) = root
            .margin(34, 0, 0, 0)
            .split_horizontally(WHOLE.0 as i32 - LEGEND);

        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
        let top = match self.y {
            Axis::Nines => most(|p| p.1),
            _ => most(|p| p.1).max(1.0) * 1.05,
        };
        let mut builder = ChartBuilder::on(&left);
        builder
            .margin(10)
            .x_label_area_size(46)
            .y_label_area_size(64);
        let (first, last) = (least(|p| p.0), most(|p| p.0));
        if self.x == Axis::Threads {
            let mut chart = builder.build_cartesian_2d(first..last, 0.0..top)?;
            self.fill(&mut chart, palette)?;
        } else {
            // Whole powers of ten.
            let first = 10f64.powf(first.max(1.0).log10().floor());
            let last = 10f64.powf(last.max(10.0).log10().ceil());
            let mut chart = builder.build_cartesian_2d((first..last).log_scale(), 0.0..top)?;
            self.fill(&mut chart, palette)?;
        }
        self.legend(&legend, palette)?;
        root.present()?;
        Ok(())
    }

    fn fill<'a, X>(
        &self,
        chart: &mut ChartContext<
            'a,
            SVGBackend<'a>,
            Cartesian2d<X, plotters::coord::types::RangedCoordf64>,
        >,
        palette: &Palette,
    ) -> Result<(), Box<dyn Error>>
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let whole = |value: f64| value == value.round();
        let threads = self.x == Axis::Threads;
        chart
            .configure_mesh()
            .x_desc(self.x.title())
            .y_desc(self.y.title())
            .axis_desc_style((FONT, 15))
            .label_style((FONT, 14))
            .x_label_formatter(&|x| match threads && !whole(*x) {
                true => String::new(),
                false => self.x.label(*x),
            })
            .y_label_formatter(&|y| match self.y == Axis::Nines && !whole(*y) {
                true => String::new(),
                false => self.y.label(*y),
            })
            .light_line_style(BLACK.mix(0.04))
            .bold_line_style(BLACK.mix(0.12))
            .draw()?;
        if self.y == Axis::SpeedUp && self.x == Axis::Work {
            let x = self
                .lines
                .iter()
                .flat_map(|(_, points)| points)
                .map(|p| p.0);
            let (first, last) = (
                x.clone().fold(f64::INFINITY, f64::min),
                x.fold(0.0, f64::max),
            );
            let even = [(first, 1.0), (last, 1.0)];
            chart.draw_series(LineSeries::new(even, BLACK.mix(0.7).stroke_width(1)))?;
        }
        // What it is about is on top.
        let (ours, others): (Vec<_>, Vec<_>) =
            self.lines.iter().partition(|(name, _)| is_ours(name));
        for (name, points) in others.into_iter().chain(ours) {
            let style = palette.style(name);
            let points = points.iter().copied();
            if self.is_dashed(name) {
                chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
            } else {
                chart.draw_series(LineSeries::new(points, style))?;
            }
        }
        Ok(())
    }

    /// The second and later ones of a name, and limits.
    fn is_dashed(&self, name: &str) -> bool {
        let first = self
            .lines
            .iter()
            .find(|(other, _)| base(other) == base(name));
        name.starts_with("limit") || first.is_some_and(|(first, _)| first != name)
    }

    fn legend(
        &self,
        area: &DrawingArea<SVGBackend, plotters::coord::Shift>,
        palette: &Palette,
    ) -> Result<(), Box<dyn Error>> {
        for (k, (name, _)) in self.lines.iter().enumerate() {
            let y = 20 + 21 * k as i32;
            let style = palette.style(name);
            let dashes: &[(i32, i32)] = match self.is_dashed(name) {
                true => &[(4, 11), (15, 22), (26, 30)],
                false => &[(4, 30)],
            };
            for (from, to) in dashes {
                area.draw(&PathElement::new([(*from, y), (*to, y)], style))?;
            }
            let text = (FONT, 14).into_font().color(&BLACK);
            area.draw(&Text::new(name.as_str(), (37, y - 7), text))?;
        }
        Ok(())
    }
}

/// A contestant without its variant.
fn base(name: &str) -> &str {
    name.split_once(", ").map_or(name, |(base, _)| base)
}

fn is_ours(name: &str) -> bool {
    base(name) == "ringpool"
}

/// The same colour for the same contestant in all plots of a run.
struct Palette(Vec<String>);

const COLOURS: [RGBColor; 16] = [
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(23, 190, 207),
    RGBColor(227, 119, 194),
    RGBColor(188, 189, 34),
    RGBColor(0, 0, 128),
    RGBColor(0, 100, 60),
    RGBColor(170, 110, 40),
    RGBColor(90, 200, 120),
    RGBColor(100, 140, 255),
    RGBColor(200, 150, 255),
    RGBColor(255, 180, 100),
    RGBColor(120, 120, 120),
];

impl Palette {
    fn new(tables: &[Figures]) -> Self {
        let mut names: Vec<String> = Vec::new();
        let drawn = tables.iter().filter(|table| table.shape != Shape::Times);
        for row in drawn.flat_map(|table| &table.rows) {
            let name = base(&row.contestant);
            let drawn = row.role != Role::Loop && !is_ours(name) && !name.starts_with("limit");
            if drawn && !names.iter().any(|other| other == name) {
                names.push(name.to_string());
            }
        }
        Self(names)
    }

    fn style(&self, name: &str) -> ShapeStyle {
        if is_ours(name) {
            return RGBColor(214, 39, 40).stroke_width(4);
        }
        match self.0.iter().position(|other| other == base(name)) {
            Some(k) => COLOURS[k % COLOURS.len()].stroke_width(2),
            None => BLACK.mix(0.6).stroke_width(2),
        }
    }
}
