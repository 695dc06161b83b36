use super::*;

fn read_all(name: &str, levels: &Levels) -> String {
    match read(name, levels) {
        Ok(found) => {
            let mut text = found.model.to_string();
            if let Some(effort) = found.effort {
                text.push_str(&format!(" {effort}"));
            }
            for (is, word) in [(found.fast, " fast"), (found.image, " image")] {
                if is {
                    text.push_str(word);
                }
            }
            text
        }
        Err(wrong) => format!("wrong {} {}", wrong.model, wrong.level),
    }
}

#[test]
fn f90_names_are_taken_apart_as_the_table_says() {
    let levels = Levels::built_in();
    for (name, expected) in [
        ("gpt-5.5", "gpt-5.5"),
        ("gpt-5.5-high", "gpt-5.5 high"),
        ("GPT-5.5-XHigh", "gpt-5.5 xhigh"),
        ("gpt-5.5-fast", "gpt-5.5 fast"),
        ("gpt-5.5-high-fast", "gpt-5.5 high fast"),
        ("gpt-5.5-fast-high", "gpt-5.5 high fast"),
        ("gpt-5.5-image-high-fast", "gpt-5.5 high fast image"),
        ("gpt-5.5-FAST-image-low", "gpt-5.5 low fast image"),
        ("gpt-5.5-auto", "gpt-5.5 medium"),
        ("gpt-5.5-none", "gpt-5.5 none"),
        // The longest known name is the model.
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max"),
        ("gpt-5.1-codex-max-high", "gpt-5.1-codex-max high"),
        ("gpt-5.1-codex-mini-high", "gpt-5.1-codex-mini high"),
        ("gpt-5-codex-low", "gpt-5-codex low"),
        ("gpt-5.3-codex-spark-xhigh", "gpt-5.3-codex-spark xhigh"),
        ("gpt-5.6-sol-max", "gpt-5.6-sol max"),
        ("gpt-5.6-sol-ultra", "gpt-5.6-sol ultra"),
        // Levels that are not in its row.
        ("gpt-5.5-max", "wrong gpt-5.5 max"),
        ("gpt-5.5-minimal", "wrong gpt-5.5 minimal"),
        ("gpt-5-none", "wrong gpt-5 none"),
        ("gpt-5.3-codex-spark-auto", "wrong gpt-5.3-codex-spark auto"),
        (
            "gpt-5-codex-mini-xhigh-fast",
            "wrong gpt-5-codex-mini xhigh",
        ),
        // Only one level.
        ("gpt-5.5-high-low", "gpt-5.5-high low"),
        // Nobody knows these.
        ("gpt-7-high", "gpt-7 high"),
        ("gpt-7-minimal-fast", "gpt-7 minimal fast"),
        ("gpt-7-codex-max", "gpt-7-codex-max"),
        ("gpt-7-max-fast", "gpt-7-max-fast"),
        ("gpt-7-auto", "gpt-7-auto"),
        ("gpt-7", "gpt-7"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4-20250514"),
        ("gpt-5.5-20260401", "gpt-5.5-20260401"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("high", "high"),
        ("-high", "-high"),
        ("", ""),
    ] {
        assert_eq!(read_all(name, &levels), expected, "{name}");
    }
}

#[test]
fn f90_a_budget_becomes_a_level_by_steps() {
    let mut levels = Levels::built_in();
    levels.put(
        "all",
        LADDER.iter().map(|word| (*word).to_owned()).collect(),
    );
    for (name, expected) in [
        ("all-101", "all medium"),
        ("all-512", "all medium"),
        ("all-513", "all low"),
        ("all-1024", "all low"),
        ("all-1025", "all medium"),
        ("all-8192", "all medium"),
        ("all-8193", "all high"),
        ("all-24576", "all high"),
        ("all-24577", "all xhigh"),
        ("all-32768", "all xhigh"),
        ("all-32769", "all max"),
        // 100 and below are no budget.
        ("all-100", "all-100"),
        // A number names no level: the next lower one the model takes.
        ("gpt-5.5-100000", "gpt-5.5 xhigh"),
        ("gpt-5-30000-fast", "gpt-5 high fast"),
    ] {
        assert_eq!(read_all(name, &levels), expected, "{name}");
    }
    assert_eq!(of_budget(0), "none");
}

#[test]
fn f90_what_the_upstream_tells_wins_and_settings_override() {
    let mut levels = Levels::built_in();
    levels.put("gpt-5.5", vec!["low".into(), "turbo".into()]);
    assert_eq!(read_all("gpt-5.5-high", &levels), "wrong gpt-5.5 high");
    levels.told("gpt-5.5", &["medium".into(), "high".into()]);
    assert_eq!(read_all("gpt-5.5-high", &levels), "gpt-5.5 high");
    assert_eq!(read_all("gpt-5.5-auto", &levels), "gpt-5.5 medium");
    assert_eq!(read_all("gpt-5.5-low", &levels), "wrong gpt-5.5 low");
    // What is no level to an upstream stays.
    levels.told("gpt-5.4", &["low".into(), "medium".into()]);
    assert_eq!(read_all("gpt-5.4-none", &levels), "gpt-5.4 none");
    assert_eq!(read_all("gpt-5.4-high", &levels), "wrong gpt-5.4 high");
    // A name without levels is a name all the same.
    levels.told("odd-model-high", &[]);
    assert_eq!(read_all("odd-model-high", &levels), "odd-model-high");
    assert_eq!(
        read_all("odd-model-high-low", &levels),
        "odd-model-high low"
    );
    let wrong = read("gpt-5.5-low", &levels).unwrap_err().to_string();
    assert!(wrong.contains("medium, high, auto"), "{wrong}");
}

#[test]
fn every_level_of_the_table_is_a_word() {
    for (model, words) in Levels::built_in().iter() {
        for word in words {
            assert!(WORDS.contains(&word.as_str()), "{model}: {word}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_name_panics(name in "[a-z0-9.-]{0,40}") {
        let _ = read(&name, &Levels::built_in());
    }
}
