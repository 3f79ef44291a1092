//! A process that is killed in the middle of things, and what is found of it.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netns::{Controller, EndpointConfig, Lifetime};

use crate::screen::{Align, Cell, Screen, Style};
use crate::{options, Result, NETWORK};

/// The argument that makes this program the one that is killed.
pub(crate) const ROLE: &str = "victim";

/// Joins a sandbox, says so and waits to be killed.
pub(crate) fn victim() -> ExitCode {
    let join = || -> Result<()> {
        let controller = Controller::open(options().with_lifetime(Lifetime::Process))?;
        let sandbox = controller.create_sandbox(ROLE)?;
        controller.connect(NETWORK, &sandbox, EndpointConfig::new(ROLE)?)?;
        println!("joined");
        thread::sleep(Duration::from_secs(60));
        Ok(())
    };
    match join() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Kills such a process, and shows what the controller finds and puts right.
pub(crate) fn show(screen: &mut Screen, controller: &Controller) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut victim = command.arg(ROLE).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let said = victim.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    victim.kill()?;
    victim.wait()?;
    said.transpose()?;
    if line.trim() != "joined" {
        return Err("the process that was to be killed did not join".into());
    }
    let begin = Instant::now();
    let collected = controller.collect()?;
    let took = begin.elapsed();
    let rows: Vec<_> = collected
        .findings
        .iter()
        .map(|finding| {
            let kind = format!("{:?}", finding.kind).to_lowercase();
            let style = if finding.error.is_some() { Style::Bad } else { Style::Good };
            vec![
                Cell::new(Style::Strong, kind),
                finding.object.clone().into(),
                Cell::new(style, finding.reason.clone()),
            ]
        })
        .collect();
    screen.table(&["found", "", "and put right"].map(|title| (title, Align::Left)), &rows)?;
    let left = controller.collect()?.findings.len();
    if collected.findings.is_empty() || left > 0 {
        return Err(format!("{} findings, then {left}", collected.findings.len()).into());
    }
    screen.line(Style::Dim, &format!("in {:.1} ms; another look finds nothing", took.as_secs_f64() * 1e3))?;
    Ok(())
}
