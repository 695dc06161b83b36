//! Losses as people read them in the journal: what became of what, and why. One line for each reason, however many turns of a long conversation have it.
//! Called by `record`.

use protocol::{Loss, LossKind};

/// Most fields named in one line; the rest are counted.
const NAMED: usize = 6;

/// One reason and the fields that it holds for.
struct Line {
    kind: LossKind,
    reason: std::borrow::Cow<'static, str>,
    fields: String,
    count: usize,
}

/// Adds the lines of these losses. Of none it costs nothing.
pub(crate) fn add(losses: impl Iterator<Item = Loss>, to: &mut Vec<String>) {
    let mut lines: Vec<Line> = Vec::new();
    for Loss {
        kind,
        field,
        reason,
    } in losses
    {
        let same = |line: &&mut Line| line.kind == kind && line.reason == reason;
        let Some(line) = lines.iter_mut().find(same) else {
            lines.push(Line {
                kind,
                reason,
                fields: field.into_owned(),
                count: 1,
            });
            continue;
        };
        line.count += 1;
        if line.count <= NAMED {
            line.fields.push_str(", ");
            line.fields.push_str(&field);
        }
    }
    for line in lines {
        let Line {
            kind,
            reason,
            fields,
            count,
        } = line;
        to.push(match count.saturating_sub(NAMED) {
            0 => format!("{kind:?}: {fields} ({reason})"),
            more => format!("{kind:?}: {fields} and {more} more ({reason})"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_line_however_long_the_conversation() {
        let sealed = (0..200).map(|at| Loss::dropped(format!("reasoning {at}"), "sealed"));
        let others = [
            Loss::approximated("stop", "cut here"),
            Loss::dropped("seed", "unknown"),
            Loss::dropped("user", "unknown"),
            Loss::approximated("user", "unknown"),
        ];
        let mut lines = vec!["before".to_owned()];
        add(sealed.chain(others), &mut lines);
        assert_eq!(
            lines,
            [
                "before",
                "Dropped: reasoning 0, reasoning 1, reasoning 2, reasoning 3, reasoning 4, reasoning 5 and 194 more (sealed)",
                "Approximated: stop (cut here)",
                "Dropped: seed, user (unknown)",
                "Approximated: user (unknown)",
            ]
        );
    }
}
