use ringpool::{Pool, Spin};
use std::mem::MaybeUninit;
use std::rc::Rc;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut rcs = [const { MaybeUninit::uninit() }; 2];
    let _: &mut [Rc<usize>] = pool.map(0..2_usize, &mut rcs[..], Rc::new);
    //~ ERROR `Rc<usize>` cannot be sent between threads safely
}
