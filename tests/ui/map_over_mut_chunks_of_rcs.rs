use ringpool::{Pool, Spin, chunks_mut};
use std::rc::Rc;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let rc = Rc::new(5_i32);
    pool.map(chunks_mut(&mut [rc.clone(), rc], 1), (), |part| {
        drop(Rc::clone(&part[0]))
    });
    //~ ERROR `Rc<i32>` cannot be sent between threads safely
}
