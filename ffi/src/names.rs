//! Lists of names.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};

use netns::Result;

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::required;

/// A list of names, or of ports, freed by netns_names_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_names {
    /// Bytes of this struct.
    pub size: usize,
    /// The names; NULL when there are none.
    pub names: *const *const c_char,
    /// How many.
    pub count: usize,
}

/// Hands out the names that `list` lists.
pub(crate) fn give_names(
    ret_names: Option<&mut MaybeUninit<*mut netns_names>>,
    list: impl FnOnce() -> Result<Vec<String>>,
) -> Result<()> {
    let ret_names = required(ret_names, "ret_names")?;
    let mut arena = Arena::default();
    let names: Vec<_> = list()?.iter().map(|name| arena.text(name)).collect();
    let count = names.len();
    let names = arena.array(names);
    ret_names.write(hand_out(netns_names { size: size_of::<netns_names>(), names, count }, arena));
    Ok(())
}

/// Frees a list of names.
///
/// @param names  the list; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_names_free(names: *mut netns_names) {
    // SAFETY: the list was handed out, and is freed once, by the header's rules.
    unsafe { take_back(names) };
}
