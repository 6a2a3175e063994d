use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    pool.map(0.0..1.0, (), |x| assert!(x < 1.0));
    //~ ERROR a range of `{float}` is not an input of `map`
    //~ ERROR map a range of integers, and make of each what you need
}
