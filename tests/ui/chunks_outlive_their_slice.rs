use ringpool::{Pool, Spin, chunks};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let rows = {
        let values = [3, 1, 2];
        chunks(&values, 2)
        //~ ERROR error[E0597]: `values` does not live long enough
    };
    pool.map(rows, (), |row| assert!(!row.is_empty()));
}
