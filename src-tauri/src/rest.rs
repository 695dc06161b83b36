//! What is given back when the last window has gone, so that the application costs at rest what it cost before (R1). Linux only: there
//! WebKit stays loaded, and keeps a process, for as long as the application lives.

use std::fs;

use rustix::mm::{Advice, madvise};
use rustix::process::{Pid, Signal, kill_process};

/// WebKit's network process, as the kernel cuts its name.
const NETWORK: &str = "WebKitNetworkPr";
/// A process that is only starting must not be ended: WebKit takes that for the end of the world. In seconds.
const GROWN_UP: f64 = 5.0;

/// Call when no window is there and none is being made.
pub(crate) fn after_the_window() {
    end_network();
    let_go_of_code();
}

/// WebKit starts another one when it needs it.
fn end_network() {
    for thread in fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = fs::read_to_string(thread.path().join("children"));
        for id in children.unwrap_or_default().split_whitespace() {
            let name = fs::read_to_string(format!("/proc/{id}/comm"));
            let child = id.parse().ok().and_then(Pid::from_raw);
            let Some(child) = child.filter(|_| name.is_ok_and(|name| name.trim_end() == NETWORK))
            else {
                continue;
            };
            if age(id).is_some_and(|age| age >= GROWN_UP)
                && let Err(error) = kill_process(child, Signal::TERM)
            {
                tracing::debug!(%error, "the webview's network process stays");
            }
        }
    }
}

/// Seconds since a process was started.
fn age(id: &str) -> Option<f64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(uptime - started(&stat)? / rustix::param::clock_ticks_per_second() as f64)
}

/// The start of a process in ticks. Its name, in parentheses, may hold anything.
fn started(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// The code of libraries is in their files: what is needed again is read again, and what only windows need is no longer counted as ours.
fn let_go_of_code() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (begin, length) in maps.lines().filter_map(library_code) {
        #[expect(
            unsafe_code,
            reason = "the call is about memory; read-only pages of a file are the same after it as before"
        )]
        // SAFETY: the range is a mapping of this process that cannot be written, of a file: its pages hold what the file holds, and come
        // back from there at the next access. A mapping that is gone by now is an error without effect.
        let done = unsafe {
            madvise(
                std::ptr::with_exposed_provenance_mut(begin),
                length,
                Advice::LinuxDontNeed,
            )
        };
        if let Err(error) = done {
            tracing::trace!(%error, "a library's code stays in memory");
        }
    }
}

/// Begin and length of a line of `/proc/self/maps`, if it is the code of a library.
fn library_code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let path = fields.nth(3)?;
    if rights != "r-xp" || !path.starts_with('/') || !path.contains(".so") {
        return None;
    }
    let (begin, end) = range.split_once('-')?;
    let begin = usize::from_str_radix(begin, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    Some((begin, end.checked_sub(begin)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_libraries_is_let_go() {
        let cases = [
            (
                "7f00-7f10 r-xp 0000 08:01 12 /usr/lib/libx.so.1.2",
                Some((0x7f00, 0x10)),
            ),
            ("7f00-7f10 r--p 0000 08:01 12 /usr/lib/libx.so.1.2", None),
            ("7f00-7f10 rw-p 0000 08:01 12 /usr/lib/libx.so.1.2", None),
            (
                "7f00-7f10 r-xp 0000 08:01 12 /usr/bin/switchyard-desktop",
                None,
            ),
            ("7f00-7f10 r-xp 0000 00:00 0 [vdso]", None),
            ("7f00-7f10 r-xp 0000 00:00 0", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(library_code(line), expected, "{line}");
        }
        // It is about this very process.
        let_go_of_code();
    }

    #[test]
    fn the_age_of_a_process_is_read() {
        let stat = "12 (a (b) c) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 9 0 6000 1 1";
        assert_eq!(started(stat), Some(6000.0));
        let own = age(&std::process::id().to_string()).unwrap();
        assert!((0.0..86_400.0).contains(&own), "{own}");
    }
}
