use ringpool::{Pool, Spin};
use std::rc::Rc;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let rc = Rc::new(5_i32);
    pool.map(&mut [rc.clone(), rc][..], (), |place| {
        drop(Rc::clone(place))
    });
    //~ ERROR `Rc<i32>` cannot be sent between threads safely
}
