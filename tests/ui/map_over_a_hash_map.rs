use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let ages = std::collections::HashMap::from([("Ada", 36)]);
    pool.map(&ages, (), |(_, age)| assert!(*age > 0));
    //~ ERROR `&HashMap<&str, {integer}>` is not an input of `map`
    //~ ERROR an iterator, a map, a set, a list or a string is not: collect it first, as in `let xs: Vec<_> = text.chars().collect();`
}
