//! `netnsctl events`.

use std::fmt::Write;
use std::thread;
use std::time::SystemTime;

use humantime::format_rfc3339_millis;
use netns::{Error, Event};

use crate::arguments::Global;
use crate::escape::line;
use crate::failure::Outcome;
use crate::output::Output;
use crate::signals::Interrupt;

pub(crate) fn run(global: &Global, out: &Output) -> Outcome {
    let interrupt = Interrupt::catch()?;
    let events = global.controller()?.events()?;
    let closer = events.closer();
    thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            interrupt.wait();
            closer.close();
        })
        .map_err(|error| Error::from_errno("start", "thread", error.raw_os_error().unwrap_or(0)))?;
    for event in events {
        match out.json {
            true => out.json_line(&event)?,
            false => out.raw(&text(&event))?,
        }
    }
    Ok(())
}

/// In UTC; `?` in years that have more than four digits.
fn time(time: SystemTime) -> String {
    let mut text = String::new();
    match write!(text, "{}", format_rfc3339_millis(time)) {
        Ok(()) => text,
        Err(_) => "?".to_owned(),
    }
}

fn text(event: &Event) -> String {
    let kind = serde_json::to_value(event.kind).unwrap_or_default();
    let mut words = vec![time(event.time), kind.as_str().unwrap_or("").to_owned()];
    let (network, endpoint) = (event.network.as_deref(), event.endpoint.as_deref());
    words.extend(network.map(|network| match endpoint {
        Some(endpoint) => format!("{network}/{endpoint}"),
        None => network.to_owned(),
    }));
    words.extend(event.sandbox.clone());
    words.push(format!("by process {}", event.process));
    if event.missed > 0 {
        words.push(format!("({} before it were missed)", event.missed));
    }
    line(&words.join("  ")) + "\n"
}
