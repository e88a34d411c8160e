//! System calls that fail, on one thread and those that it starts, as in a container.
#![allow(unsafe_code, reason = "rustix has no seccomp")]

use std::io;

use libc::{c_long, sock_filter, sock_fprog};

/// From now on this system call is an error.
pub fn deny(call: c_long, errno: i32) {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    let mut steps = [
        // The number of the call is the first word.
        step(LOAD, 0, 0),
        step(JUMP_IF_EQUAL, 1, call as u32),
        step(RETURN, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        step(RETURN, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the kernel reads the program, which is valid during the call, and checks it.
    let denied = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(denied, 0, "{}", io::Error::last_os_error());
}
