use ringpool::{Pool, Spin};
use std::rc::Rc;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let rc = Rc::new(5_i32);
    let _ = pool.execute(move || println!("{rc}"));
    //~ ERROR `Rc<i32>` cannot be sent between threads safely
}
