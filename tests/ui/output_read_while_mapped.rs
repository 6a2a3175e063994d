use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut xs = [1, 2, 3];
    pool.map(&xs, &mut xs, |x| x + 1);
    //~ ERROR error[E0502]: cannot borrow `xs` as mutable because it is also borrowed as immutable
}
