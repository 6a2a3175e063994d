use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut ys = [0; 3];
    pool.map(&[1, 2, 3], |x| x + 1, &mut ys);
    //~ ERROR is not an output of `map`
    //~ ERROR the order is `map(input, output, function)`: the output comes second, `()` if there is none
}
