use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let (xs, mut ys) = ([1, 2, 3], [0; 3]);
    pool.map((&xs, 0.., xs.iter().rev()), &mut ys, |(x, _, y)| x + y);
    //~ ERROR `Rev<std::slice::Iter<'_, {integer}>>` is not an input of `map`
    //~ ERROR `std::ops::RangeFrom<{integer}>` is not an input of `map`
    //~ ERROR an iterator, a map, a set, a list or a string is not: collect it first, as in `let xs: Vec<_> = text.chars().collect();`
}
