use ringpool::{Pool, Spin};

#[derive(Clone, Copy)]
#[repr(align(32))]
struct Vector([u8; 32]);

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let vector = Vector([0; 32]);
    let _ = pool.execute(move || drop(vector.0.iter().count() + std::mem::align_of_val(&vector)));
    //~ ERROR ringpool: this job holds a value that is more aligned than a job slot (two words)
    //~ ERROR Box that value, or the job: `pool.execute(Box::new(move || ..))`
}
