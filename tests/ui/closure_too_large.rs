use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let bytes = [1u8; 1234];
    let _ = pool.execute(move || drop(bytes));
    //~ ERROR ringpool: this job takes 1234 bytes, a slot of this pool has
    //~ ERROR Capture less (a reference to a static, an index), box it (`pool.execute(Box::new(move || ..))`), or raise the pool's WORDS parameter
}
