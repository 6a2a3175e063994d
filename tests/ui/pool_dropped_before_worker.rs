use ringpool::{Pool, Spin};

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let mut kept = None;
    let _ = pool.start(1, |worker| {
        kept = Some(worker);
        Ok::<(), ()>(())
    });
    drop(pool);
    //~ ERROR error[E0505]: cannot move out of `pool` because it is borrowed
    kept.unwrap().run();
}
