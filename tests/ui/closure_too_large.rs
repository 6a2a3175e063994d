use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let words = [1usize; 7];
    let _ = pool.execute(move || drop(words));
    //~ ERROR ringpool: this closure is larger than a job slot. Capture less
    //~ ERROR box it (`let job = Box::new(job); move || job()`), or raise the pool's WORDS parameter
}
