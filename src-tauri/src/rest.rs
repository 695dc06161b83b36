//! What is given back when the application comes to rest: after its start in the tray, and when the last window has gone (R1). Linux only:
//! there WebKit stays loaded, and keeps a process, for as long as the application lives.

use std::fs;
use std::time::Duration;

use rustix::mm::{Advice, madvise};
use rustix::process::{Pid, Signal, kill_process};

use crate::shell::Shell;

/// WebKit's network process, as the kernel cuts its name.
const NETWORK: &str = "WebKitNetworkPr";
/// A process that is only starting must not be ended: WebKit takes that for the end of the world. In seconds.
const GROWN_UP: f64 = 5.0;

/// How long a start goes on after the tray is there: models and quota are asked for.
const SETTLED: Duration = Duration::from_secs(5);

/// Call at a start without a window.
pub(crate) fn after_the_start(shell: &Shell) {
    shell.runtime.spawn(async {
        tokio::time::sleep(SETTLED).await;
        let_go_of_code();
    });
}

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

/// Code and constants are in their files: what is needed again is read again, and what only a start or a window needs is no longer counted
/// as ours.
fn let_go_of_code() {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    for (begin, length) in of_files(&maps) {
        #[expect(
            unsafe_code,
            reason = "the call is about memory; unwritten pages of a file are the same after it as before"
        )]
        // SAFETY: the range is a mapping of this process that cannot be written and has no page of its own: its pages hold what the file
        // holds, and come back from there at the next access. It is a program's or library's, so nothing else has taken its place since.
        let done = unsafe {
            madvise(
                std::ptr::with_exposed_provenance_mut(begin),
                length,
                Advice::LinuxDontNeed,
            )
        };
        if let Err(error) = done {
            tracing::trace!(%error, "the code of a file stays in memory");
        }
    }
}

/// Begin and length of every mapping in `/proc/self/smaps` that is of a program or library, not writable, and without a changed page.
fn of_files(maps: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in maps.lines() {
        if let Some(count) = line.strip_prefix("Anonymous:") {
            if count.trim() == "0 kB" {
                found.extend(candidate.take());
            }
        } else if !line.contains(": ") {
            candidate = of_file(line);
        }
    }
    found
}

/// The first line of a mapping.
fn of_file(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let path = fields.nth(3)?;
    // Programs and libraries stay where they are to the end; other files may be gone by the time something is done about them.
    let stays = path.contains(".so") || path.ends_with("/switchyard-desktop");
    if !matches!(rights, "r-xp" | "r--p") || !path.starts_with('/') || !stays {
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
    fn only_unchanged_pages_of_files_are_let_go() {
        let maps = "\
7f00-7f10 r-xp 00000000 08:01 12                         /usr/lib/libx.so.1.2
Size:                 64 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
7f10-7f20 r--p 00000000 08:01 12                         /usr/lib/libx.so.1.2
Anonymous:             4 kB
7f20-7f30 rw-p 00000000 08:01 12                         /usr/lib/libx.so.1.2
Anonymous:             0 kB
7f30-7f40 r--s 00000000 08:01 12                         /usr/lib/libx.so.1.2
Anonymous:             0 kB
7f38-7f39 r--p 00000000 08:01 12                         /usr/share/cache
Anonymous:             0 kB
7f40-7f50 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
7f50-7f60 r--p 00000000 00:00 0
Anonymous:             0 kB
7f60-7f90 r--p 00000000 08:01 13                         /usr/bin/switchyard-desktop
Anonymous:             0 kB
";
        assert_eq!(of_files(maps), [(0x7f00, 0x10), (0x7f60, 0x30)]);
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
