//! The object, loaded into the kernel.
//!
//! aya's own loader begins by reading the types of the whole kernel (`/sys/kernel/btf/vmlinux`, megabytes, tens of
//! milliseconds), which these programs have no use for. So the parts of it that they do need are put together here.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use aya::maps::{Array, Map, MapData};
use aya_obj::{EbpfSectionKind, Object};

use super::layout::{COUNTERS, CPUS, EGRESS, INGRESS};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Programs;
use crate::sys;

const OBJECT: &[u8] = aya::include_bytes_aligned!("counters.o");

/// The map of lines, and the programs that write it.
pub(super) struct Loaded {
    pub(super) counters: MapData,
    pub(super) programs: Programs,
}

/// Loads a map of so many lines, and programs for so many processors.
pub(super) fn load(lines: u32, cpus: u32) -> Result<Loaded> {
    let mut object = Object::parse(OBJECT).map_err(|error| refused(&error))?;
    let processors = cpus.to_ne_bytes();
    let globals = HashMap::from([(CPUS, (processors.as_slice(), true))]);
    object.patch_map_data(globals).map_err(|error| refused(&error))?;
    let mut maps = HashMap::new();
    let mut places = Vec::new();
    for (name, mut map) in object.maps.drain() {
        if name == COUNTERS {
            map.set_max_entries(lines);
        }
        places.push((name.clone(), map.clone()));
        maps.insert(name.clone(), create(&name, map)?);
    }
    let text = object.functions.keys().map(|(section, _)| *section).collect::<HashSet<_>>();
    let placed = places.iter().map(|(name, map)| (name.as_str(), maps[name].fd().as_fd().as_raw_fd(), map));
    object.relocate_maps(placed, &text).map_err(|error| refused(&error))?;
    object.relocate_calls(&text).map_err(|error| refused(&error))?;
    let programs = Programs { ingress: program(&object, INGRESS)?, egress: program(&object, EGRESS)? };
    Ok(Loaded { counters: maps.remove(COUNTERS).ok_or_else(|| missing(COUNTERS))?, programs })
}

/// The map of that name; one of constants has them, and is frozen.
fn create(name: &str, map: aya_obj::Map) -> Result<MapData> {
    let constants = match map.section_kind() {
        EbpfSectionKind::Rodata => {
            let bytes = <[u8; 4]>::try_from(map.data()).map_err(|_| missing(CPUS))?;
            Some(u32::from_ne_bytes(bytes))
        }
        _ => None,
    };
    let data = MapData::create(map, name, None).map_err(|error| refused(&error))?;
    let Some(cpus) = constants else { return Ok(data) };
    let mut map = Map::Array(data);
    let mut array = Array::<_, u32>::try_from(&mut map).map_err(|error| refused(&error))?;
    array.set(0, cpus, 0).map_err(|error| refused(&error))?;
    let Map::Array(data) = map else { return Err(missing(name)) };
    sys::freeze_map(data.fd().as_fd()).map_err(|error| refused(&error))?;
    Ok(data)
}

fn program(object: &Object, name: &str) -> Result<OwnedFd> {
    let program = object.programs.get(name).ok_or_else(|| missing(name))?;
    let function = object.functions.get(&program.function_key()).ok_or_else(|| missing(name))?;
    sys::load_classifier(name, &function.instructions, &program.license).map_err(|refusal| {
        let error = refused(&refusal.error);
        match refusal.log.is_empty() {
            true => error,
            false => error.with_cause(refusal.log),
        }
    })
}

/// The kernel's refusal, with its errno where there is one and the verifier's words.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Error {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let words: Vec<_> = chain.clone().map(ToString::to_string).collect();
    let errno = chain.filter_map(|error| error.downcast_ref::<io::Error>()?.raw_os_error()).next();
    let cause = match errno {
        Some(libc::EPERM) => {
            "the right to use bpf is missing (CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN), or, before Linux \
             5.11, RLIMIT_MEMLOCK is too low"
                .to_owned()
        }
        _ => words.join(": "),
    };
    let error = match errno {
        Some(errno) => Error::from_errno("load", "counters", errno),
        None => Error::new(ErrorKind::System, "load", "counters"),
    };
    error.with_cause(cause)
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::System, "load counters", name).with_cause("the object has none")
}
