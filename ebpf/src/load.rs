//! Has the kernel verify the programs of an object, and leaves nothing behind. Exits with 77 where it may not ask.
//! usage: load OBJECT

use std::error::Error;
use std::process::ExitCode;

use aya::programs::SchedClassifier;
use aya::EbpfLoader;

const NOT_PERMITTED: i32 = 1; // EPERM; what the verifier refuses is EACCES or EINVAL

fn main() -> ExitCode {
    let Err(error) = load() else {
        return ExitCode::SUCCESS;
    };
    let mut cause = Some(&*error as &(dyn Error + 'static));
    while let Some(this) = cause {
        eprintln!("load: {this}");
        if this.downcast_ref::<std::io::Error>().is_some_and(|e| e.raw_os_error() == Some(NOT_PERMITTED)) {
            return ExitCode::from(77);
        }
        cause = this.source();
    }
    ExitCode::FAILURE
}

fn load() -> Result<(), Box<dyn Error>> {
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
