use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let _ = pool.execute(String::from("not a job"));
    //~ ERROR `String` is not a job
    //~ ERROR a job is a closure without arguments that returns `()`, is `Send` and borrows nothing
}
