//! How fast ringpool and its rivals are: every contestant of a table does the same work in the same run, in turns,
//! so that what disturbs the machine disturbs them alike. Read the ratios, not the times.

mod executors;
mod maps;
mod rivals;
mod table;
mod work;

fn main() {
    let tables = maps::tables().into_iter().chain(executors::tables());
    for table in tables {
        println!("{:<24}{}", table.id, table.title);
    }
}
