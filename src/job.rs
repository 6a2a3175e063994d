//! What `execute` takes.

/// Work that a pool runs once, on some worker: any closure `FnOnce() + Send + 'static`, or a type
/// of your own.
///
/// Implement it for a type whose value you need back when [`execute`](crate::Pool::execute) rejects
/// it: what a closure captures cannot be reached, the fields of a struct can. For a type that is
/// too large for a slot, implement it for the box: `impl Job for Box<Request>`. Then
/// `execute(Box::new(request))` takes it, and a rejected one comes back as the box.
///
/// # Examples
///
/// ```
/// use ringpool::{Job, Pool, Spin};
///
/// struct Request {
///     number: u32,
/// }
///
/// impl Job for Request {
///     fn run(self) {
///         println!("request {} is served", self.number);
///     }
/// }
///
/// let pool: Pool<2> = Pool::new(Spin::new());
/// for number in 0..3 {
///     if let Err(rejected) = pool.execute(Request { number }) {
///         let request = rejected.into_inner();
///         assert_eq!(request.number, 2);
///         println!("request {} is told to come back later", request.number);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a job",
    note = "a job is a closure without arguments that returns `()`, is `Send` and borrows nothing \
            (`move || ..`), or a type of your own with `impl ringpool::Job`"
)]
pub trait Job: Send + 'static {
    /// Does the work.
    fn run(self);
}

impl<F: FnOnce() + Send + 'static> Job for F {
    #[inline(always)]
    fn run(self) {
        self();
    }
}
