use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    pool.map("abc".chars(), (), |letter| assert!(letter != 'd'));
    //~ ERROR `Chars<'_>` is not an input of `map`
    //~ ERROR an iterator, a map, a set, a list or a string is not: collect it first, as in `let xs: Vec<_> = text.chars().collect();`
}
