use ringpool::{Job, Pool, Spin};

struct Request<'a>(&'a str);

impl Job for Request<'_> {
    //~ ERROR error[E0478]: lifetime bound not satisfied
    fn run(self) {
        println!("{}", self.0);
    }
}

fn main() {
    let pool: Pool = Pool::new(Spin::new());
    let text = String::from("local");
    let _ = pool.execute(Request(&text));
}
