//! `nodewright`: replays labs headless, and looks at a real cluster.

mod args;
mod clusters;

use args::{Args, Bench, Command, Conform, Format, Import, Lint, Run, RunFormat, Scan, Tongue};
use clap::Parser;
use nodewright_cli::lab::{Lab, era};
use nodewright_cli::replay::{Choices, Entry, replay_telling};
use nodewright_cli::{Failure, report};
use std::io::{Read, Write};
use std::process::ExitCode;

// For its symbols.
#[cfg(target_env = "musl")]
use mem as _;

/// A cluster is millions of small pieces, which come and go with every change.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Usage errors leave with status 2 from within clap.
    let done = match Args::parse().command {
        Command::Version => Ok((format!("nodewright {}\n", env!("CARGO_PKG_VERSION")), 0)),
        Command::Run(args) => run(&args),
        Command::Plan(args) => clusters::plan(&args),
        #[cfg(feature = "kube")]
        Command::Act(args) => clusters::act(&args),
        #[cfg(feature = "kube")]
        Command::Rbac(args) => clusters::rbac(&args),
        Command::Export(args) => clusters::export(&args),
        Command::Import(args) => import(&args),
        Command::Conform(args) => conform(args),
        Command::Bench(args) => bench(args),
        Command::Lint(args) => lint(&args),
        Command::KubectlCases(args) => nodewright_cli::cases::run(&nodewright_cli::cases::Choices {
            sequence: args.sequence,
            cases: args.cases_dir,
            manifests: args.manifests,
            only: args.only,
            full: args.full,
        }),
        #[cfg(feature = "kube")]
        Command::Observe(args) => clusters::observe(&args),
    };
    match done {
        Ok((text, exit)) => say(&text, exit),
        Err(failure) => {
            complain(&format!("nodewright: {}\n", failure.message));
            ExitCode::from(failure.exit)
        }
    }
}

fn bench(args: Bench) -> Result<(String, u8), Failure> {
    let v = nodewright_cli::bench::run(&nodewright_cli::bench::Choices {
        files: args.files,
        consolidate: args.consolidate,
        schedule: args.schedule,
        multi: args.method == Scan::Multi,
        types: args.types,
        allow: args.allow,
        runs: args.runs,
    })?;
    Ok(match args.output {
        Format::Text => (nodewright_cli::bench::text(&v), 0),
        Format::Json => (format!("{v}\n"), 0),
    })
}

fn conform(args: Conform) -> Result<(String, u8), Failure> {
    let choices = nodewright_cli::conform::Choices { paths: args.dirs, era: era(&args.era)?, emit: args.emit };
    nodewright_cli::conform::run(&choices)
}

fn import(args: &Import) -> Result<(String, u8), Failure> {
    let bytes = match args.file.as_str() {
        "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        file => std::fs::read(file),
    };
    let bytes = bytes.map_err(|error| Failure::usage(format!("{}: {error}", args.file)))?;
    let refused = |why| Failure { message: format!("{}: {why}", args.file), exit: 1 };
    let imported = shell::import::script(&bytes, era(&args.era)?).map_err(refused)?;
    for note in &imported.notes {
        complain(&format!("note: {note}\n"));
    }
    Ok((imported.script, 0))
}

fn run(args: &Run) -> Result<(String, u8), Failure> {
    let text = read(&args.file)?;
    let lab = Lab::parse(&args.file, &text).map_err(|f| Failure { message: format!("{}: {}", args.file, f.message), ..f })?;
    let until_ms = args.until.as_deref().map(|text| duration_ms("--until", text, "90s, 30m or 1h30m")).transpose()?;
    let choices = Choices {
        era: args.era.as_deref().map(era).transpose()?,
        seed: args.seed,
        region: args.region.clone(),
        scenario: args.scenario.clone(),
        types: args.instance_types.as_deref().map(read).transpose()?,
        until_ms,
        keep_going: args.keep_going,
    };
    let mut tell = |entry: &Entry| {
        if args.output == RunFormat::Ndjson {
            say(&format!("{}\n", report::record(entry)), 0);
        }
    };
    let replay = match choices.scenario.as_deref().filter(|name| is_file(name)) {
        Some(name) => {
            if choices.era.is_some() || choices.seed.is_some() || choices.region.is_some() {
                return Err(Failure::usage(format!(
                    "{name} has its own era, seed and region: leave --era, --seed and --region out"
                )));
            }
            let (session, notes) = nodewright_cli::export::session(name, &read(name)?)?;
            notes.iter().for_each(|note| complain(&format!("note: {note}\n")));
            nodewright_cli::replay::replay_on(session, &lab, &choices, &mut tell)
        }
        None => replay_telling(&lab, &choices, &mut tell)?,
    };
    complain(&report::faults(&replay, &args.file));
    let out = match args.output {
        RunFormat::Text => report::text(&replay),
        RunFormat::Json => format!("{}\n", report::json(&replay)),
        RunFormat::Ndjson => format!("{}\n", report::end(&replay)),
    };
    Ok((out, u8::try_from(replay.exit()).unwrap_or(1)))
}

/// A scenario that is a file; the built-in ones have names.
fn is_file(scenario: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| scenario.ends_with(ending))
}

fn lint(args: &Lint) -> Result<(String, u8), Failure> {
    use nodewright_cli::lint::{Choices, Source, collect, run};
    if args.codes {
        return Ok((::lint::reference(), 0));
    }
    let mut files = Vec::new();
    args.files.iter().try_for_each(|f| collect(f, &mut files))?;
    let named = |file: &String| read(file).map(|text| Source { name: file.clone(), text });
    let sources = files.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let lang = match args.lang {
        Tongue::En => view::Lang::En,
        Tongue::Ko => view::Lang::Ko,
    };
    let choices = Choices { era: args.era.as_deref().map(era).transpose()?, region: args.region.clone(), lang };
    let report = run(&sources, &choices)?;
    let out = match args.output {
        Format::Text => report.text(),
        Format::Json => format!("{}\n", report.json()),
    };
    Ok((out, report.exit()))
}

/// What the text of a flag says, in milliseconds.
fn duration_ms(flag: &str, text: &str, such_as: &str) -> Result<u64, Failure> {
    let ms = objects::duration::parse_go_ms(text).and_then(|ms| u64::try_from(ms).ok());
    ms.ok_or_else(|| Failure::usage(format!("{flag} {text:?} is no duration: write {such_as}")))
}

fn read(file: &str) -> Result<String, Failure> {
    if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        return read.map(|_| text).map_err(|error| Failure::usage(format!("standard input: {error}")));
    }
    std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{file}: {error}")))
}

/// Writes to standard output; a reader that has gone away ends the program quietly.
fn say(text: &str, exit: u8) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(exit),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(exit),
        Err(error) => {
            complain(&format!("nodewright: standard output: {error}\n"));
            ExitCode::from(1)
        }
    }
}

fn complain(text: &str) {
    // Nothing can be said about a standard error that does not take what is said.
    let _written = std::io::stderr().lock().write_all(text.as_bytes());
}
