use std::fs::File;
use std::os::fd::AsFd;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::*;

const SLOTS: u16 = 4;
const PATIENCE: Duration = Duration::from_secs(20);

/// A table in a file, as one is in a map.
fn table(file: &File) -> Table {
    let words = (usize::from(SLOTS) + 1) * ENTRY;
    file.set_len(words as u64 * 8).unwrap();
    Table::new(SharedWords::new(file.as_fd(), words).unwrap(), SLOTS)
}

fn begun() -> (File, Table) {
    let path = std::env::temp_dir().join(format!("table-{:x}", u64::from_ne_bytes(random_bytes())));
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let table = table(&file);
    table.begin(1);
    (file, table)
}

fn owner(number: u32) -> SlotOwner {
    SlotOwner { namespace: number.into(), index: number, mark: number, digest: number.into(), inside: true }
}

#[test]
fn two_tables_have_no_life_in_common() {
    let lives = |table: &Table| {
        let life = |number| {
            let id = table.take(&owner(number), |_| [0; 4]).unwrap();
            assert!(table.free(id));
            id.life
        };
        (0..100).map(life).collect::<std::collections::HashSet<_>>()
    };
    let (one, other) = (lives(&begun().1), lives(&begun().1));
    assert!(one.is_disjoint(&other));
    assert!(one.iter().all(|life| *life < 1 << 41), "there is room for lives");
}

#[test]
fn a_slot_that_is_taken_is_among_those_that_are_looked_at() {
    let (_file, table) = begun();
    let seen = std::cell::Cell::new(0);
    let id = table.take(&owner(1), |_| {
        seen.set(table.highest());
        [0; 4]
    });
    assert_eq!(Some(seen.get()), id.map(|id| id.slot));
}

#[test]
fn an_entry_is_read_whole_or_not_at_all() {
    let (file, table) = begun();
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let other = self::table(&file);
            for number in (0..).take_while(|_| !end.load(Ordering::Relaxed)) {
                let id = other.take(&owner(number), |_| [u64::from(number); 4]).unwrap();
                match number % 3 {
                    0 => assert!(other.free(id)),
                    1 => assert!(other.leave(id) && other.free(id)),
                    _ => assert!(other.lose(id, Some((u64::from(number), 1))) && other.free_lost(id)),
                }
            }
        });
        // The writer ends with the reader, also with one that fails.
        let _ends = Ends(&end);
        let mut seen = 0_u32;
        let begin = Instant::now();
        while seen < 20_000 && begin.elapsed() < PATIENCE {
            for slot in 1..=SLOTS {
                let Some((entry, ())) = table.look(slot, |_| ()) else { continue };
                let number = entry.owner.index;
                assert_eq!(entry.owner, owner(number));
                match entry.lost_in {
                    Some(namespace) => assert_eq!(namespace, (u64::from(number), 1)),
                    None if entry.lost => {}
                    None => assert_eq!(entry.base, [u64::from(number); 4]),
                }
                seen += 1;
            }
        }
        assert!(seen > 1000, "{seen}");
    });
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_slot_goes_only_the_ways_it_may() {
    let (_file, table) = begun();
    let id = table.take(&owner(1), |_| [0; 4]).unwrap();
    assert!(table.is_used() && !table.free_lost(id) && table.lose(id, None));
    assert!(!table.is_used() && !table.lose(id, Some((1, 2))) && !table.leave(id) && !table.free(id));
    let entry = table.entry(id.slot).unwrap();
    assert!(entry.leaving && entry.lost && entry.lost_in.is_none());
    assert!(table.free_lost(id) && table.entry(id.slot).is_none());
    assert!(!table.leave(id) && !table.free(id) && !table.free_lost(id));
    for beyond in [0, SLOTS + 1, u16::MAX] {
        assert!(table.entry(beyond).is_none() && !table.free(SlotId::new(beyond, id.life)));
    }
    let again: Vec<_> = (0..SLOTS).map(|_| table.take(&owner(2), |_| [0; 4]).unwrap()).collect();
    assert!(table.take(&owner(3), |_| [0; 4]).is_none());
    let used = again.iter().find(|one| one.slot == id.slot).unwrap();
    assert!(used.life > id.life && table.entry(used.slot).is_some_and(|entry| !entry.lost));
}
