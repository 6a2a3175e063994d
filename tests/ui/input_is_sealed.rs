//! What `map` reads from vouches for its length; so nobody else may write one.

struct Liar;

impl ringpool::Input for Liar {
    //~ ERROR the trait bound `Liar:
    type Item = usize;
    type Source = <std::ops::Range<usize> as ringpool::Input>::Source;

    fn elements(&self) -> usize {
        1 << 20
    }

    fn into_source(self) -> Self::Source {
        (0..0).into_source()
    }
}

fn main() {}
