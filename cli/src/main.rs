//! `netnsctl`: networks, endpoints and sandboxes of libnetns, seen and steered from a shell.
//!
//! Results go to standard output, as text for people or as the library's own JSON. What goes wrong is one line on
//! standard error that names operation, object and cause, and an exit status that says of which kind it was.

mod arguments;
mod collect;
mod config_file;
mod doctor;
mod endpoint;
mod escape;
mod events;
mod failure;
mod logger;
mod membership;
mod network;
mod outline;
mod output;
mod ports;
mod sandbox;
mod serve;
mod shell;
mod signals;
mod stats;
mod table;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Outcome;
use output::Output;

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => failure::exit(run(arguments)),
        Err(error) => failure::exit_usage(&error),
    }
}

fn run(arguments: Arguments) -> Outcome {
    let global = arguments.global;
    logger::start(global.verbose);
    let out = Output::new(global.json);
    match arguments.command {
        Command::Network { command } => network::run(command, &global, &out),
        Command::Sandbox { command } => sandbox::run(command, &global, &out),
        Command::Endpoint { command } => endpoint::run(command, &global, &out),
        Command::Connect(asked) => membership::connect(*asked, &global, &out),
        Command::Disconnect(asked) => membership::disconnect(&asked, &global, &out),
        Command::Join(asked) => membership::join(&asked, &global, &out),
        Command::Leave(asked) => membership::leave(&asked, &global, &out),
        Command::Publish(asked) => ports::publish(&asked, &global, &out),
        Command::Withdraw(asked) => ports::withdraw(&asked, &global, &out),
        Command::Plan(asked) => membership::plan(*asked, &global, &out),
        Command::Stats(asked) => stats::run(&asked, &global, &out),
        Command::Collect(asked) => collect::run(&asked, &global, &out),
        Command::Events => events::run(&global, &out),
        Command::Serve { command } => serve::run(&command, &global),
        Command::Doctor => doctor::run(&global, &out),
        Command::Completion(asked) => shell::completion(&asked, &out),
        Command::Man(asked) => shell::man(&asked),
    }
}
