//! Makes a history by hand: `cargo run -p testing-history -- TREE REPOSITORY BLOCKS`.

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, repository, blocks] = arguments.as_slice() else {
        eprintln!("usage: testing-history TREE REPOSITORY BLOCKS");
        return ExitCode::from(2);
    };
    let Ok(blocks @ 2..) = blocks.parse() else {
        eprintln!("{blocks} is no number of blocks (at least 2)");
        return ExitCode::from(2);
    };
    let repository = Path::new(repository);
    let made = testing_history::make(Path::new(tree), repository, blocks).and_then(|made| {
        Ok((made, testing_history::write_reproducer(repository.parent().unwrap_or(repository))?))
    });
    match made {
        Ok((history, reproducer)) => {
            println!("commits {}", history.commits);
            println!("good {}", history.good);
            println!("bad {}", history.bad);
            println!("culprit {}", history.culprit);
            println!("reproducer {}", reproducer.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
