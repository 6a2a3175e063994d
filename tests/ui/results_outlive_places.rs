use ringpool::{Pool, Spin};
use std::mem::MaybeUninit;

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let done: &mut [usize] = {
        let mut places = [MaybeUninit::uninit(); 4];
        pool.map(0..4, &mut places[..], |k| k)
        //~ ERROR error[E0597]: `places` does not live long enough
    };
    println!("{done:?}");
}
