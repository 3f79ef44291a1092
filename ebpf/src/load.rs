//! Has the kernel verify the programs of an object, and leaves nothing behind. It needs CAP_BPF and CAP_NET_ADMIN.
//! usage: load OBJECT

use std::error::Error;

use aya::programs::SchedClassifier;
use aya::EbpfLoader;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: load OBJECT")?;
    let object = std::fs::read(path)?;
    let cpus = 2u32;
    let mut loaded = EbpfLoader::new()
        .override_global("CPUS", &cpus, true)
        .map_max_entries("counters", 16 * cpus)
        .load(&object)?;
    for name in ["ingress", "egress"] {
        let program: &mut SchedClassifier = loaded.program_mut(name).ok_or(name)?.try_into()?;
        program.load()?;
    }
    Ok(())
}
