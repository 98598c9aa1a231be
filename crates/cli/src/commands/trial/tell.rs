//! What a trial tells while it works, in words.

use app_try::Progress;

pub(super) fn in_words(progress: &Progress) -> String {
    use Progress as P;
    let side = |is_patched: bool| if is_patched { "patched" } else { "base" };
    match progress {
        P::Uncommitted(tree) => format!(
            "note: {} has changes that are not committed; they are not part of what is tested",
            tree.display()
        ),
        P::Applying { commit, patches } => {
            let word = if *patches == 1 { "patch" } else { "patches" };
            format!("applying {patches} {word} on {}", commit.short())
        }
        P::SearchingBlobs { files } => {
            let word = if *files == 1 { "file" } else { "files" };
            format!("looking for a commit with the {files} {word} from which the diff starts")
        }
        P::CheckingOut(commit) => format!("checking out {} beside your tree", commit.short()),
        P::Building { cell, is_patched, after: Some(patch) } => {
            format!("{cell}: building {} up to patch {patch}", side(*is_patched))
        }
        P::Building { cell, is_patched, after: None } => {
            format!("{cell}: building {}", side(*is_patched))
        }
        P::Built { cell, is_patched, seconds, failed: None } => {
            format!("{cell}: {} built in {seconds:.0} s", side(*is_patched))
        }
        P::Built { cell, is_patched, seconds, failed: Some(error) } => {
            format!("{cell}: {} does not build ({seconds:.0} s): {error}", side(*is_patched))
        }
        P::Running { cell, is_patched, workload, done, more } => {
            format!("{cell}: {workload} on {}: {done} runs, {more} more", side(*is_patched))
        }
        P::Ran { title: Some(title), seconds } => format!("  failed ({seconds:.1} s): {title}"),
        P::Ran { title: None, seconds } => format!("  clean ({seconds:.1} s)"),
        P::Lost(reason) => format!("  came to nothing: {reason}"),
        P::Reaching { cell, is_patched } => {
            format!("{cell}: looking which changed functions run on {}", side(*is_patched))
        }
        P::Spent => "the budget is spent; what is known so far:".to_owned(),
    }
}
