//! The pool in WebAssembly: one thread, which maps and steps a worker.

#![no_std]
#![no_main]

use core::fmt::{self, Write};

use checks::{Board, Checked};
use ringpool::{Platform, Worker};

mod host {
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        pub fn print(text: *const u8, length: usize);
        pub safe fn now() -> f64;
    }
}

#[derive(Default)]
struct Wasm;

static POOL: Checked<Wasm> = Checked::new(Wasm);

#[unsafe(no_mangle)]
extern "C" fn run() {
    checks::super_loop::run_without_interrupts(&POOL);
}

const MILLISECOND: u64 = 1000;

impl Platform for Wasm {
    fn park(&self, spot: usize) {
        panic!("there is nobody who could wake spot {spot}");
    }

    fn unpark(&self, spot: usize) {
        panic!("nobody sleeps at spot {spot}");
    }

    fn ticks(&self) -> u64 {
        Self::now()
    }

    fn quantum(&self) -> u64 {
        2
    }
}

impl Board for Wasm {
    const CORES: usize = 1;
    const MILLISECOND: u64 = MILLISECOND;

    fn now() -> u64 {
        (host::now() * MILLISECOND as f64) as u64
    }

    fn core() -> usize {
        0
    }

    fn spawn(_: Worker<'static>) -> Result<(), &'static str> {
        Err("no second thread")
    }

    fn naps() -> usize {
        0
    }

    fn interrupts(_: bool) {}

    fn print(line: fmt::Arguments<'_>) {
        let _ = writeln!(Terminal, "{line}");
    }
}

struct Terminal;

impl Write for Terminal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the host reads these bytes before it returns.
        unsafe { host::print(text.as_ptr(), text.len()) };
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    Wasm::print(format_args!("{info}"));
    core::arch::wasm32::unreachable()
}
