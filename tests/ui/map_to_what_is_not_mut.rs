use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let ys = [0; 3];
    pool.map(&[1, 2, 3], &ys, |x| x + 1);
    //~ ERROR `&[{integer}; 3]` is not an output of `map`
    //~ ERROR outputs are `&mut ys` for slices, arrays
}
