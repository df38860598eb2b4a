//! PID 1 of a sandbox. It is a clone of the spawner that never runs a program itself, so that it
//! keeps what it needs to build the sandbox while every program it forks has no capability.

mod child;
mod kill;
mod net;
mod python;
mod serve;
mod setup;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::seccomp::Filters;
use super::wire::{self, CreateOrder, Tell};

/// Builds the sandbox and serves it to its end. `boot` brings the mounts from the spawner,
/// `control` is the host's.
pub fn run(boot: OwnedFd, control: OwnedFd, order: &CreateOrder, filters: &Filters) -> ! {
    let built = setup::build(&boot, &control, order).and_then(|built| {
        confine(filters)?;
        Ok(built)
    });
    drop(boot);
    match built {
        Err(error) => {
            let message = error.to_string();
            let _ = wire::send(control.as_fd(), &Tell::NotReady { message }, &[]);
        }
        Ok(built) => {
            let fds: Vec<_> = std::iter::once(built.root.as_raw_fd())
                .chain(built.sockets.iter().map(AsRawFd::as_raw_fd))
                .collect();
            if wire::send(control.as_fd(), &Tell::Ready, &fds).is_ok() {
                drop((built.root, built.sockets));
                let _ = serve::serve(control, built.children, built.count, order);
            }
        }
    }
    // With PID 1 the kernel ends every process of the sandbox.
    // SAFETY: ends the process; the spawner's buffers and destructors are not this clone's.
    unsafe { libc::_exit(0) }
}

/// Puts PID 1 under the filter of the code it forks, which so inherits it: to install it takes
/// longer than to fork. PID 1 needs nothing more now that the sandbox is built.
fn confine(filters: &Filters) -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    filters.install().map_err(io::Error::other)
}
