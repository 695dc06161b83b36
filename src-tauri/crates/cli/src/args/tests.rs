use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(std::iter::once("switchyard").chain(line.split_whitespace()))
}

#[test]
fn the_tree_is_sound_and_every_part_has_help() {
    let mut tree = Arguments::command();
    tree.build();
    tree.clone().debug_assert();
    let mut open = vec![&tree];
    while let Some(command) = open.pop() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command
            .get_arguments()
            .filter(|argument| argument.get_id() != "help" && argument.get_id() != "version")
        {
            let help = argument
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                !help.is_empty() && !help.ends_with('.'),
                "{} {}: {help:?}",
                command.get_name(),
                argument.get_id()
            );
        }
        open.extend(
            command
                .get_subcommands()
                .filter(|command| command.get_name() != "help"),
        );
    }
}

#[test]
fn f137_f138_every_documented_line_is_understood() {
    for line in [
        "serve",
        "serve --host 127.0.0.1 --port 8787 --console",
        "serve --console --console-port 0",
        "serve --config settings.toml",
        "serve --host ::1 --port 0",
        "serve --host localhost",
        "demo",
        "demo --port 9000",
        "status",
        "--json status",
        "status --json --home /tmp/h",
        "--home /tmp/h models",
        "quota",
        "quota --refresh",
        "explain gpt-5.5-high",
        "ask hello",
        "ask -m gpt-5.5 hello",
        "ask --model gpt-5.5 -",
        "key",
        "key show",
        "key rotate",
        "key add laptop",
        "key revoke laptop",
        "keys list",
        "keys remove laptop",
        "key add laptop --expires 2026-12-31 --models a,b* --max-concurrency 2 --tokens 1000000 --usd 12.50 --period-days 7",
        "key edit laptop --disable",
        "key edit laptop --models none --no-budget",
        "balance",
        "account add --many --kind provider --label L --base-url https://api.example.com/v1 --format openai --group g",
        "balance --refresh",
        "balance set a --adapter deepseek --threshold 0.50",
        "limit list",
        "limit set a --requests 2000 --period-days 1",
        "limit set a --model big* --requests 500 --cost 3",
        "limit clear a",
        "limit clear a --model big*",
        "account list",
        "account show a",
        "account activate a",
        "account enable a",
        "account disable a",
        "account remove a",
        "account set a slots=4 reserve=20 group=",
        "account add --many --preset zai --label z",
        "account remove a --yes",
        "account refresh",
        "account refresh a",
        "account order b a",
        "account import accounts.json",
        "account import - --dry-run",
        "account import accounts.json --verify",
        "account import --from-codex",
        "account export a b --out f.json",
        "account export --all --out f.json --passphrase-stdin",
        "account login",
        "account login --device",
        "account login --account work",
        "account add --kind relay --label L --base-url https://relay.example.com/v1 --format openai",
        "account add --kind provider --label L --base-url https://example.com --format responses --models a,b --group g --priority 20 --proxy socks5h://example.com:1080",
        "account add --kind zai --preset zai --label L",
        "account add --preset zai-coding --label L",
        "account add --preset anthropic --label L --auth bearer --header x-team=blue --header x-b= --effort low --reads-suffixes",
        "account presets",
        "models",
        "models refresh",
        "models refresh work",
        "models lists",
        "models names",
        "models alias quick gpt-5.5-low --group work",
        "models unalias quick",
        "backup",
        "backup list",
        "backup --out f.json",
        "backup --out f.json --passphrase-stdin --force",
        "restore",
        "restore switchyard.db.backup-7 --yes",
        "restore f.json --passphrase-stdin --dry-run",
        "clear journal",
        "clear usage --yes",
        "clear samples -y",
        "reset sign-ins",
        "reset usage --yes",
        "reset factory",
        "test account work -m m",
        "test proxy",
        "test proxy -",
        "test proxy direct --account work",
        "test proxy socks5h://me@proxy.example.com:1080",
        "test network",
        "diagnostics",
        "diagnostics --out f.txt --yes",
        "settings list",
        "settings get server.port",
        "settings set server.port 9000",
        "settings set server.port -1",
        "settings unset server.port",
    ] {
        parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for line in [
        "",
        "nonsense",
        "serve --port 70000",
        "serve --console-port 9000",
        "serve --host a/b",
        "explain",
        "ask",
        "key add",
        "account",
        "account order",
        "account import",
        "account import f --from-codex",
        "account import f --dry-run --verify",
        "account export --out f",
        "account export a --all --out f",
        "account export a",
        "account add --kind relay --label L",
        "account add --label L --base-url u --format openai",
        "account add --preset zai --label L --auth cookie",
        "account add --preset zai --label L --header x-team",
        "models alias quick",
        "account add --kind oauth --label L --base-url u --format openai",
        "account add --kind relay --label L --base-url u --format cobol",
        "account add --kind relay --label L --base-url u --format openai --key sk-x",
        "settings set server.port",
        "backup list --out f.json",
        "backup --passphrase-stdin",
        "clear",
        "reset",
        "test proxy http://me:word@proxy.example.com",
        "diagnostics --yes",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
    let long = format!(
        "account add --kind relay --label {} --base-url u --format openai",
        "x".repeat(65)
    );
    assert_eq!(parse(&long).unwrap_err().kind(), ErrorKind::ValueValidation);
    for (line, kind) in [
        ("--help", ErrorKind::DisplayHelp),
        ("--version", ErrorKind::DisplayVersion),
        ("account add --help", ErrorKind::DisplayHelp),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (kind, 0), "{line}");
    }
}

#[test]
fn values_arrive() {
    let arguments = parse("account add --kind provider --label work --base-url https://example.com --format openai --models a,b* --home /h --json").unwrap();
    assert_eq!(
        (arguments.home, arguments.json),
        (Some(PathBuf::from("/h")), true)
    );
    let Command::Account {
        command: AccountCommand::Add(add),
    } = arguments.command
    else {
        panic!("another command")
    };
    assert_eq!(
        (
            add.kind.unwrap().as_str(),
            add.format.unwrap().as_str(),
            add.priority
        ),
        ("provider_key", "openai", 50)
    );
    assert_eq!(add.models.unwrap(), ["a", "b*"]);
}
