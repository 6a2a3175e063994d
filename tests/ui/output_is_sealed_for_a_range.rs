//! A type of one's own makes the impl a local one; the pair is sealed all the same.

struct Mine;

impl ringpool::Output<Mine> for std::ops::Range<usize> {
    //~ ERROR the trait bound `std::ops::Range<usize>:
    type Done = ();
    type Sink = <&'static mut [Mine] as ringpool::Output<Mine>>::Sink;

    fn into_sink(self, _len: usize) -> Self::Sink {
        unreachable!()
    }
}

fn main() {}
