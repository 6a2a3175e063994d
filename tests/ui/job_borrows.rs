use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let local = 5;
    let _ = pool.execute(|| println!("{local}"));
    //~ ERROR error[E0373]: closure may outlive the current function, but it borrows `local`
}
