use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let local = 5;
    let borrowed = &local;
    let _ = pool.execute(move || println!("{borrowed}"));
    //~ ERROR error[E0597]: `local` does not live long enough
}
