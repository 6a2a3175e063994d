//! Fork-join workloads.

use crate::table::Table;

pub fn tables() -> Vec<Table> {
    Vec::new()
}
