//! What the counters are pinned as, how it is made, and how it goes.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use aya::programs::ProgramInfo;
use aya::util::KernelVersion;
use aya_obj::generated::bpf_prog_type;

use super::layout::{Line, COUNTERS, EGRESS, INGRESS};
use super::load::{load, refused, Loaded};
use super::place::Place;
use super::table::{Table, ENTRY, HEADER_CPUS, HEADER_MAGIC, HEADER_SLOTS, MAGIC};
use super::MeterOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Programs;
use crate::sys::{self, Process, RaisedMemoryLimit, SharedReader, SharedWords};

const SLOTS: &str = "slots";
/// The beginning of the name of a directory that is not whole yet, or no more. A bpf filesystem takes no dots.
const UNFINISHED: &str = "new-";
/// Words of a line of counters.
pub(super) const LINE: usize = size_of::<Line>() / size_of::<u64>();
const ARRAY: u32 = 2;

/// The maps, opened and mapped.
pub(super) struct Pinned {
    pub(super) counters: SharedReader,
    pub(super) counters_map: OwnedFd,
    pub(super) slots: u16,
    pub(super) cpus: usize,
}

/// What is pinned, to read: the counters, and the table as it can be opened.
pub(super) fn open(place: &Place, read_only: bool) -> Result<(Pinned, OwnedFd)> {
    let counters = open_map(place, COUNTERS, false)?;
    let table = open_map(place, SLOTS, read_only)?;
    let refuse = |cause: String| {
        Error::new(ErrorKind::System, "use counters", place.path().display().to_string())
            .with_cause(format!("{cause}: it is not what this library pins there; remove it"))
    };
    let shape = |map: &OwnedFd| sys::map_shape(map.as_fd()).map_err(|error| refuse(error.to_string()));
    let ([kind, key, entry, entries], lines) = (shape(&table)?, shape(&counters)?);
    let header = match (kind, key, entry) {
        (ARRAY, 4, 64) => sys::look_up_entry(table.as_fd(), 0).map_err(|error| refuse(error.to_string()))?,
        _ => return Err(refuse(format!("{SLOTS} has another shape"))),
    };
    if header[HEADER_MAGIC] != MAGIC {
        return Err(refuse(format!("{SLOTS} has no header")));
    }
    let (slots, cpus) = (header[HEADER_SLOTS], header[HEADER_CPUS]);
    let fits = u64::from(entries) == slots + 1
        && (1..=u64::from(u16::MAX)).contains(&slots)
        && lines[..3] == [ARRAY, 4, size_of::<Line>() as u32]
        && (slots + 1).checked_mul(cpus) == Some(lines[3].into())
        && cpus > 0;
    if !fits {
        return Err(refuse(format!("{COUNTERS} has another shape")));
    }
    let words = lines[3] as usize * LINE;
    let mapped = SharedReader::new(counters.as_fd(), words);
    let mapped = mapped.map_err(|error| failed("map", &place.path().join(COUNTERS), error))?;
    let (slots, cpus) = (slots as u16, cpus as usize);
    Ok((Pinned { counters: mapped, counters_map: counters, slots, cpus }, table))
}

/// The table, to be changed.
pub(super) fn table(place: &Path, map: &OwnedFd, slots: u16) -> Result<Table> {
    let words = SharedWords::new(map.as_fd(), (usize::from(slots) + 1) * ENTRY);
    Ok(Table::new(words.map_err(|error| failed("map", &place.join(SLOTS), error))?, slots))
}

/// The programs that are pinned.
pub(super) fn programs(place: &Place) -> Result<Programs> {
    let open = |name: &str| {
        let path = place.path().join(name);
        let refuse = |cause: String| {
            let error = Error::new(ErrorKind::System, "use program", path.display().to_string());
            error.with_cause(format!("{cause}: it is not what this library pins there; remove it"))
        };
        let info = ProgramInfo::from_pin(place.pin(name)).map_err(|error| refuse(error.to_string()))?;
        match info.program_type() {
            bpf_prog_type::BPF_PROG_TYPE_SCHED_CLS => {
                sys::open_pin(&place.pin(name), false).map_err(|error| failed("open", &path, error))
            }
            _ => Err(refuse("it is another kind of program".to_owned())),
        }
    };
    Ok(Programs { ingress: open(INGRESS)?, egress: open(EGRESS)? })
}

fn open_map(place: &Place, name: &str, read_only: bool) -> Result<OwnedFd> {
    let opened = sys::open_pin(&place.pin(name), read_only);
    opened.map_err(|error| failed("open", &place.path().join(name), error))
}

fn failed(operation: &str, path: &Path, error: io::Error) -> Error {
    let may_lack = matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES));
    let error = Error::from_io(operation, path.display().to_string(), error);
    match may_lack {
        true => {
            error.with_cause("the right to use bpf is missing (CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN)")
        }
        false => error,
    }
}

/// Makes maps and programs, whole or not at all. Another process that does so at once may be first.
pub(super) fn create(options: &MeterOptions) -> Result<()> {
    let directory = &options.directory;
    check_filesystem(directory)?;
    fs::create_dir_all(directory).map_err(|error| failed("create", directory, error))?;
    let unfinished = directory.join(format!("{UNFINISHED}{}", Process::unique_word()?));
    if let Err(error) = fs::create_dir(&unfinished) {
        remove_empty(directory);
        return Err(failed("create", &unfinished, error));
    }
    let made = fill(&unfinished, options).and_then(|()| {
        let place = Place::path_in(directory);
        match fs::rename(&unfinished, &place) {
            // Another was first.
            Err(_) if place.is_dir() => remove_directory(&unfinished),
            result => result.map_err(|error| failed("rename", &unfinished, error)),
        }
    });
    made.map_err(|error| {
        let error = error.with_rollback(remove_directory(&unfinished).err().into_iter().collect());
        remove_empty(directory);
        error
    })
}

fn check_filesystem(directory: &Path) -> Result<()> {
    let there = directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    if sys::is_bpffs(there).unwrap_or(false) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::NotImplemented, "use counters", directory.display().to_string());
    Err(error
        .with_cause(format!("{} is on no bpf filesystem: mount -t bpf bpf /sys/fs/bpf", there.display())))
}

fn fill(directory: &Path, options: &MeterOptions) -> Result<()> {
    // Raised before aya meets it, which would leave it raised.
    let _limit = if maps_count_as_locked() { RaisedMemoryLimit::new() } else { None };
    let cpus = processors()?;
    let slots = options.slots;
    let lines = (u32::from(slots) + 1).saturating_mul(cpus);
    let Loaded { counters, programs } = load(lines, cpus)?;
    for (name, program) in [(INGRESS, &programs.ingress), (EGRESS, &programs.egress)] {
        pin(program.as_fd(), &directory.join(name))?;
    }
    let counters = counters.fd().as_fd();
    // Nobody but the programs writes it from now on, whoever may open it.
    sys::freeze_map(counters).map_err(|error| Error::from_io("freeze", COUNTERS, error))?;
    pin(counters, &directory.join(COUNTERS))?;
    let table = sys::create_array(64, u32::from(slots) + 1);
    let table = table.map_err(|error| refused(&error))?;
    self::table(directory, &table, slots)?.begin(cpus as usize);
    pin(table.as_fd(), &directory.join(SLOTS))
}

/// Whether the memory of maps and programs counts against the process's limit.
fn maps_count_as_locked() -> bool {
    !KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(5, 11, 0))
}

/// One more than the highest number that a processor can have.
fn processors() -> Result<u32> {
    let path = "/sys/devices/system/cpu/possible";
    let possible = fs::read_to_string(path).map_err(|error| failed("read", Path::new(path), error))?;
    let last = possible.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<u32>().ok());
    last.map(|last| last + 1).ok_or_else(|| Error::bad_request("read", path, "it lists no processors"))
}

fn pin(object: std::os::fd::BorrowedFd<'_>, path: &Path) -> Result<()> {
    sys::pin(object, path).map_err(|error| failed("pin", path, error))
}

/// Removes what is pinned in a directory, and the directory; what is gone is no error.
pub(super) fn remove_directory(directory: &Path) -> Result<()> {
    let failed = |error| Error::from_io("remove", directory.display().to_string(), error);
    let tolerate = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        tolerate(fs::remove_file(entry.map_err(failed)?.path()))?;
    }
    tolerate(fs::remove_dir(directory))
}

/// Gives what is pinned another name, so that nobody opens half of it while it is removed. None when its name is
/// another's by now.
pub(super) fn set_aside(directory: &Path, place: &Place) -> Result<Option<PathBuf>> {
    if !place.is_in_place() {
        return Ok(None);
    }
    let going = directory.join(format!("{UNFINISHED}{}", Process::unique_word()?));
    let renamed = fs::rename(place.path(), &going);
    renamed.map_err(|error| failed("rename", place.path(), error))?;
    Ok(Some(going))
}

/// Removes the directory where nothing is in it, on a bpf filesystem.
pub(super) fn remove_empty(directory: &Path) {
    if sys::is_bpffs(directory).unwrap_or(false) {
        let _ = fs::remove_dir(directory);
    }
}

/// Directories that their makers died over.
pub(crate) fn stale(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_stale = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let maker = name.and_then(|name| name.strip_prefix(UNFINISHED)).and_then(Process::of_unique_word);
        maker.is_some_and(|maker| !maker.is_alive())
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_stale).collect()
}
