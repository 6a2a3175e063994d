use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let words = [1usize; 6];
    pool.execute(move || assert_eq!(words.iter().sum::<usize>(), 6))
        .unwrap();
    let (number, xs) = (std::sync::Arc::new(5), [1, 2, 3]);
    let borrowed = &number;
    pool.map(&xs, (), |x| assert!(*x < **borrowed));
}
