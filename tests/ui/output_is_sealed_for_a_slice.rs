//! A type of one's own makes the impl a local one; the pair is sealed all the same.

struct Mine;

impl ringpool::Output<Mine> for &[u8] {
    //~ ERROR the trait bound `&[u8]:
    type Done = ();
    type Sink = <&'static mut [Mine] as ringpool::Output<Mine>>::Sink;

    fn into_sink(self, _len: usize) -> Self::Sink {
        unreachable!()
    }
}

fn main() {}
