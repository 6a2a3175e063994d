//! A reference to a type of one's own makes the impl a local one; the trait is sealed all the same.

struct Mine;

impl ringpool::Input for &Mine {
    //~ ERROR the trait bound `&Mine:
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
