//! `index_lists STATE MIRROR...`: makes or updates an index and says how long it took.

#![expect(clippy::print_stdout, reason = "a program that measures")]

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut index = app_index::Index::open(Path::new(&arguments[1])).expect("an index");
    for mirror in &arguments[2..] {
        let started = std::time::Instant::now();
        index.add_list(Path::new(mirror), |_| {}).expect("a list");
        println!("{mirror}: {:.1?}", started.elapsed());
    }
    println!("{:?}", index.sources());
}
