//! Nothing: what every program pays.

fn main() {}
