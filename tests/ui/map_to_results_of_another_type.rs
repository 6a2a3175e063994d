use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut ys = [0_u64; 3];
    pool.map(&[1_u8, 2, 3], &mut ys, |x| x + 1);
    //~ ERROR expected `u64`, found `u8`
}
