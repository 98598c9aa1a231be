//! Init and agent of the lab's guest.
//!
//! As process 1 it prepares the file systems, inserts the modules that the port needs, starts itself
//! again as the agent, reaps orphans, and switches the guest off when the agent ends. Process 1 must
//! never end: the kernel would panic, and the panic would look like a find.
//!
//! Invariants: needs nothing but its own file in the guest; a request that cannot be carried out is
//! answered with the reason, it never ends the agent.

mod agent;
mod init;
mod program;
mod vary;

fn main() {
    if rustix::process::getpid().is_init() {
        init::run();
    }
    program::launch_if_asked();
    if let Err(error) = agent::run() {
        init::say(&format!("the agent ends: {error}"));
        std::process::exit(1);
    }
}
