use ringpool::{Pool, Spin};

#[derive(Clone, Copy)]
#[repr(align(16))]
struct Vector([u8; 16]);

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let vector = Vector([0; 16]);
    let _ = pool.execute(move || drop(vector.0.iter().count() + std::mem::align_of_val(&vector)));
    //~ ERROR ringpool: this closure captures a value that is more aligned than a job slot
    //~ ERROR Capture a reference to it, or box it
}
