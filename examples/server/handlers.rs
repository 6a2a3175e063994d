//! What the server does for its clients.

use std::fmt::Write as _;

use ringpool::{Platform, Pool, chunks_mut};
use sha2::{Digest, Sha256};

use crate::http::Response;

/// What a request asks for.
#[derive(Clone, Copy)]
pub enum Call {
    Sha256,
    Mandelbrot(View),
    Metrics,
}

/// A part of the plane, and the size of its image.
#[derive(Clone, Copy)]
pub struct View {
    width: u16,
    height: u16,
    x: f32,
    y: f32,
    /// How wide the image is, in the plane.
    span: f32,
}

pub fn route(method: &str, target: &str) -> Result<Call, Response> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (allowed, header) = match path {
        "/sha256" => ("POST", "Allow: POST\r\n"),
        "/mandelbrot.png" | "/metrics" => ("GET", "Allow: GET\r\n"),
        _ => return Err(Response::error("404 Not Found", "")),
    };
    if method != allowed {
        return Err(Response::error("405 Method Not Allowed", header));
    }
    match path {
        "/sha256" => Ok(Call::Sha256),
        "/metrics" => Ok(Call::Metrics),
        _ => match View::parse(query) {
            Some(view) => Ok(Call::Mandelbrot(view)),
            None => Err(Response::error("400 Bad Request", "")),
        },
    }
}

impl View {
    fn parse(query: &str) -> Option<Self> {
        let mut view = Self {
            width: 640,
            height: 480,
            x: -0.7,
            y: 0.0,
            span: 3.2,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            match key {
                "width" => view.width = value.parse().ok()?,
                "height" => view.height = value.parse().ok()?,
                "x" => view.x = value.parse().ok()?,
                "y" => view.y = value.parse().ok()?,
                "span" => view.span = value.parse().ok()?,
                _ => return None,
            }
        }
        let sizes = 1..=2048;
        (sizes.contains(&view.width) && sizes.contains(&view.height)).then_some(view)
    }

    /// How bright the set is there.
    fn pixel(&self, column: usize, row: usize) -> u8 {
        let step = self.span / f32::from(self.width);
        let cx = self.x + (column as f32 - f32::from(self.width) / 2.0) * step;
        let cy = self.y + (row as f32 - f32::from(self.height) / 2.0) * step;
        let (mut x, mut y) = (0.0, 0.0);
        for left in (0..=u8::MAX).rev() {
            (x, y) = (x * x - y * y + cx, 2.0 * x * y + cy);
            if x * x + y * y > 4.0 {
                return (u8::MAX - left).saturating_mul(8);
            }
        }
        0
    }
}

pub fn sha256(body: &[u8]) -> Response {
    let mut hex = String::with_capacity(65);
    for byte in Sha256::digest(body) {
        write!(hex, "{byte:02x}").expect("a string takes everything");
    }
    hex.push('\n');
    Response::ok("text/plain", hex.into_bytes())
}

/// Row by row on the pool's workers, and on the caller.
pub fn mandelbrot<const N: usize, P: Platform, const W: usize>(
    pool: &Pool<N, P, W>,
    view: View,
) -> Response {
    let (width, height) = (usize::from(view.width), usize::from(view.height));
    let mut pixels = vec![0; width * height];
    pool.map(
        (chunks_mut(&mut pixels, width), 0..height),
        (),
        |(row, y)| {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = view.pixel(x, y);
            }
        },
    );
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, view.width.into(), view.height.into());
    encoder.set_color(png::ColorType::Grayscale);
    let written = encoder.write_header().and_then(|mut png| {
        png.write_image_data(&pixels)?;
        png.finish()
    });
    match written {
        Ok(()) => Response::ok("image/png", file),
        Err(_) => Response::error("500 Internal Server Error", ""),
    }
}
