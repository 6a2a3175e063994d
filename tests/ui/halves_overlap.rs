use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut values = [3, 1, 2];
    let (low, _high) = values.split_at_mut(1);
    pool.map([&mut *low, &mut *low], (), |half| half.sort());
    //~ ERROR error[E0499]: cannot borrow `*low` as mutable more than once at a time
}
