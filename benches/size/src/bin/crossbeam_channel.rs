//! By hand: threads that receive boxed closures from crossbeam's bounded channel.

use std::thread;

use crossbeam_channel::bounded;

type Job = Box<dyn FnOnce() + Send>;

fn main() {
    let (sender, jobs) = bounded::<Job>(1024);
    for _ in 0..2 {
        let jobs = jobs.clone();
        thread::spawn(move || jobs.iter().for_each(|job| job()));
    }
    for number in 1..=10 {
        let sent = sender.send(Box::new(move || ringpool_size::add(number)));
        assert!(sent.is_ok());
    }
    ringpool_size::wait();
}
