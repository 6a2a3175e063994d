use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut sum = 0;
    pool.map(0..10, (), |k| sum += k);
    //~ ERROR error[E0594]: cannot assign to `sum`, as it is a captured variable in a `Fn` closure
    println!("{sum}");
}
