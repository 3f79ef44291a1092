//! The command line: its commands, and what all of them take.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use netns::{Controller, ControllerOptions, Result};

use crate::{collect, endpoint, failure, membership, network, ports, sandbox, serve, shell, stats};

/// Sees and steers the networks, endpoints and sandboxes of this host
///
/// Networks last until they are removed, endpoints and sandboxes until they are or the host restarts. Nothing runs in
/// between: each command does its work and ends.
#[derive(Debug, Parser)]
#[command(name = "netnsctl", version)]
#[command(after_help = failure::STATUSES, after_long_help = failure::details())]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Print JSON, in the library's own shapes
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    /// Say more of what is done, on standard error; twice, even more
    #[arg(short, long, global = true, display_order = 902, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Where the networks' definitions are
    #[arg(long, global = true, display_order = 903, value_name = "DIRECTORY")]
    networks_dir: Option<PathBuf>,
    /// Where endpoints and leases are kept
    #[arg(long, global = true, display_order = 904, value_name = "DIRECTORY")]
    run_dir: Option<PathBuf>,
    /// Where sandboxes are mounted
    #[arg(long, global = true, display_order = 905, value_name = "DIRECTORY")]
    sandbox_dir: Option<PathBuf>,
    /// Where the counters are
    #[arg(long, global = true, display_order = 906, value_name = "DIRECTORY")]
    meter_dir: Option<PathBuf>,
}

impl Global {
    /// The directories: of the options, else of the environment, else the library's own.
    pub(crate) fn options(&self) -> ControllerOptions {
        let mut options = ControllerOptions::from_env();
        let places = [
            (&self.networks_dir, &mut options.networks_dir),
            (&self.run_dir, &mut options.run_dir),
            (&self.sandbox_dir, &mut options.sandbox_dir),
            (&self.meter_dir, &mut options.meter.directory),
        ];
        for (chosen, place) in places {
            if let Some(chosen) = chosen {
                place.clone_from(chosen);
            }
        }
        options
    }

    pub(crate) fn controller(&self) -> Result<Controller> {
        Controller::open(self.options())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, inspect and remove networks
    Network {
        #[command(subcommand)]
        command: network::Command,
    },
    /// Create, list, inspect and remove sandboxes, and run programs in them
    Sandbox {
        #[command(subcommand)]
        command: sandbox::Command,
    },
    /// Create, list, inspect and remove endpoints
    Endpoint {
        #[command(subcommand)]
        command: endpoint::Command,
    },
    /// Connect a sandbox to a network, by an endpoint that goes with it
    Connect(Box<membership::Connect>),
    /// Take an endpoint out of its sandbox and remove it
    Disconnect(membership::Of),
    /// Join a sandbox to a network by an endpoint that is there already
    Join(membership::Join),
    /// Take an endpoint out of its sandbox; it keeps its addresses
    Leave(membership::Of),
    /// Publish ports of an endpoint on the host
    Publish(ports::Asked),
    /// Withdraw ports that were published
    Withdraw(ports::Asked),
    /// Show what connect would do, and do nothing
    Plan(Box<membership::Connect>),
    /// Show what interfaces have received and sent
    Stats(stats::Asked),
    /// Put right what killed processes left half done
    Collect(collect::Asked),
    /// Print what happens to networks, endpoints and sandboxes, until interrupted
    Events,
    /// Serve other programs, until interrupted
    Serve {
        #[command(subcommand)]
        command: serve::Command,
    },
    /// Say what this kernel and this user are capable of, and how to get what is missing
    ///
    /// Everything is tried, in namespaces of its own: nothing on the machine is changed, and nothing is left. The exit
    /// status is 0 when everything that is required is there, and 1 when it is not.
    Doctor,
    /// Print the completions of a shell
    Completion(shell::Completion),
    /// Write the man pages into a directory
    #[command(hide = true)]
    Man(shell::Man),
}
