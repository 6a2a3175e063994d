use ringpool::Platform;
use std::cell::Cell;

struct Counting(Cell<u32>);

impl Platform for Counting {
    //~ ERROR `Cell<u32>` cannot be shared between threads safely
    fn park(&self, _: usize) {}
    fn unpark(&self, _: usize) {}
}

fn main() {}
