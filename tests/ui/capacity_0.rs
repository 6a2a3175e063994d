static POOL: ringpool::Pool<0> = ringpool::Pool::new(ringpool::Spin::new());
//~ ERROR ringpool: CAPACITY must be a power of two, and at least 2

fn main() {
    POOL.close();
}
