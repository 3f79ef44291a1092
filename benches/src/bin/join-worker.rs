//! Joins sandboxes as it is told, one a line of its input, and says of each how many nanoseconds that took:
//! what the benchmark of the Python package compares its joins with.
//!
//! usage: join-worker NETWORK, with the controller's directories in the environment
//!        join-worker --machine says in JSON where and when that is, for the file of figures

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use netns::{Controller, ControllerOptions, EndpointConfig};
use netns_benches::machine::Machine;
use netns_benches::stats::timed;

/// Before each join, as the other side pauses before its own.
const PAUSE: Duration = Duration::from_millis(4);

fn main() -> Result<(), Box<dyn Error>> {
    let network = env::args().nth(1).ok_or("which network?")?;
    if network == "--machine" {
        println!("{}", serde_json::to_string(&Machine::here())?);
        return Ok(());
    }
    let controller = Controller::open(ControllerOptions::from_env())?;
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let name = line?;
        let sandbox = controller.create_sandbox(&name)?;
        thread::sleep(PAUSE);
        let endpoint = EndpointConfig::new(&name)?;
        let (took, joined) = timed(|| controller.connect(&network, &sandbox, endpoint));
        joined?;
        writeln!(output, "{}", took.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}
