use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let bytes = [1u8; 1234];
    let text = String::from("moved out of its closure");
    pool.execute(Box::new(move || drop((bytes, text)))).unwrap();
    let named: Box<dyn FnOnce() + Send> = Box::new(|| ());
    pool.execute(named).unwrap();
}
