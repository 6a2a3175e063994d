//! What `map` writes to vouches for its length; so nobody else may write one.

struct Liar;

impl ringpool::Output<u8> for Liar {
    //~ ERROR the trait bound `Liar:
    type Done = ();
    type Sink = <&'static mut [u8] as ringpool::Output<u8>>::Sink;

    fn into_sink(self, _len: usize) -> Self::Sink {
        (&mut [][..]).into_sink(0)
    }
}

fn main() {}
