use ringpool::{Pool, Spin, chunks_mut};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut values = [3, 1, 2];
    let pairs = chunks_mut(&mut values, 2);
    let same = chunks_mut(&mut values, 2);
    //~ ERROR error[E0499]: cannot borrow `values` as mutable more than once at a time
    pool.map((pairs, same), (), |(pair, _)| pair.sort());
}
