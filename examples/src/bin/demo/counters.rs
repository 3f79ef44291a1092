//! What each sandbox has received and sent, beside what the kernel says.

use std::hint::black_box;
use std::time::Instant;

use netns::stats::{Detail, Source, Stats};
use netns::{Controller, EndpointStats};
use serde_json::Value;

use crate::host::run;
use crate::screen::{Align, Cell, Screen, Style};
use crate::{Joined, Result, NETWORK};

/// How often something may pass while both are asked: neighbours are looked for at any time.
const TRIES: usize = 10;
/// One read alone is too short for the clock.
const READS: u32 = 10_000;

pub(crate) fn show(screen: &mut Screen, controller: &Controller, endpoints: &[Joined]) -> Result<()> {
    let mut rows = Vec::new();
    let mut metered = 0;
    for joined in endpoints {
        let (ours, kernel) = both(controller, joined)?;
        metered += usize::from(ours.source == Source::Counters);
        rows.push(row(joined.name(), ours.stats, kernel));
    }
    let columns = [
        ("", Align::Left),
        ("bytes received", Align::Right),
        ("packets", Align::Right),
        ("bytes sent", Align::Right),
        ("packets", Align::Right),
        ("the kernel's own", Align::Left),
    ];
    screen.table(&columns, &rows)?;
    if metered == endpoints.len() {
        let about = format!(
            "counted by eBPF in memory that all processes share: a sandbox's counters are read in {:.0} ns",
            read(controller, &endpoints[0])?
        );
        screen.line(Style::Dim, &about)?;
        return Ok(());
    }
    let why = match controller.meter() {
        Ok(_) => format!("{metered} of {} are metered", endpoints.len()),
        Err(error) => error.to_string(),
    };
    screen.paragraph("not metered, so these are the kernel's own: ", &why)?;
    Ok(())
}

/// The library's answer and the kernel's, of a time when nothing passed if there is one.
fn both(controller: &Controller, joined: &Joined) -> Result<(EndpointStats, Stats)> {
    let mut before = kernels(joined)?;
    let mut tries = 0;
    loop {
        let ours = controller.stats(NETWORK, joined.name(), Detail::Full)?;
        let after = kernels(joined)?;
        tries += 1;
        if before == after || tries == TRIES {
            return Ok((ours, after));
        }
        before = after;
    }
}

/// What `ip` says of the interface inside.
fn kernels(joined: &Joined) -> Result<Stats> {
    let interface = joined.endpoint.interface.as_ref().and_then(|interface| interface.name());
    let interface = interface.ok_or("a sandbox without an interface")?.to_string();
    let net = format!("--net={}", joined.sandbox.key());
    let output = run("nsenter", &[&net, "ip", "-s", "-j", "link", "show", "dev", &interface])?;
    let links: Value = serde_json::from_str(&output)?;
    let count = |direction: &str, what: &str| {
        let count = links[0]["stats64"][direction][what].as_u64();
        count.ok_or_else(|| format!("ip says nothing of {direction} {what}: {output}"))
    };
    Ok(Stats {
        rx_bytes: count("rx", "bytes")?,
        rx_packets: count("rx", "packets")?,
        rx_errors: count("rx", "errors")?,
        rx_dropped: count("rx", "dropped")?,
        tx_bytes: count("tx", "bytes")?,
        tx_packets: count("tx", "packets")?,
        tx_errors: count("tx", "errors")?,
        tx_dropped: count("tx", "dropped")?,
    })
}

/// The last column says where the kernel differs.
fn row(name: &str, ours: Stats, kernel: Stats) -> Vec<Cell> {
    let counts = |stats: Stats| [stats.rx_bytes, stats.rx_packets, stats.tx_bytes, stats.tx_packets];
    let (ours, kernel) = (counts(ours), counts(kernel));
    let mut row = vec![Cell::new(Style::Strong, name)];
    row.extend(ours.map(|count| count.to_string().into()));
    row.push(if ours == kernel {
        Cell::new(Style::Good, "the same")
    } else {
        Cell::new(Style::Bad, kernel.map(|count| count.to_string()).join("  "))
    });
    row
}

/// How many nanoseconds it takes to read the counters of one sandbox.
fn read(controller: &Controller, joined: &Joined) -> Result<f64> {
    let meter = controller.meter()?;
    let id = joined.endpoint.meter.ok_or("an endpoint that is not metered")?;
    let begin = Instant::now();
    for _ in 0..READS {
        black_box(meter.read(black_box(id))).ok_or("a slot that is no more the endpoint's")?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e9 / f64::from(READS))
}
