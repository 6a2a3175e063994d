use ringpool::{Pool, Spin};
use std::rc::Rc;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut rcs = [Rc::new(0_usize), Rc::new(1)];
    pool.map(0..2_usize, &mut rcs, Rc::new);
    //~ ERROR `Rc<usize>` cannot be sent between threads safely
}
