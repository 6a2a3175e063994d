//! No pool: the interrupt does its work itself.

#![no_std]
#![no_main]

use footprint::{read, write};

#[unsafe(link_section = ".entries")]
#[used]
static ENTRIES: [extern "C" fn(); 3] = [start, other_core, interrupt];

#[unsafe(no_mangle)]
extern "C" fn start() {
    loop {
        write(read());
    }
}

extern "C" fn other_core() {
    loop {
        write(read());
    }
}

extern "C" fn interrupt() {
    let sample = read();
    write(sample);
}
