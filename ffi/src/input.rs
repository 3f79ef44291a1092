//! Structs that a caller fills in: they carry their size, and may be an older or a newer version's.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};
use std::ptr;

use netns::{Error, Result};

use crate::boundary::required;
use crate::text;

/// A struct that a caller fills in. All zeroes are its defaults.
///
/// # Safety
/// `repr(C)` without padding at the end, `size` of type `usize` first, and any bits are a value of it:
/// integers and pointers alone.
pub(crate) unsafe trait Growing: Copy {
    /// What it is called in C.
    const NAME: &'static str;
    /// The size that it had in the first version of the library.
    const FIRST_SIZE: usize;
}

/// Reads a struct by openat2(2)'s rule: one that is shorter than ours has zeroes for the rest, one that is
/// longer must have nothing but zeroes there.
///
/// # Safety
/// NULL, or a struct of as many bytes as its `size` says.
pub(crate) unsafe fn optional<T: Growing>(at: *const T, name: &str) -> Result<Option<T>> {
    const { assert!(T::FIRST_SIZE <= size_of::<T>(), "a struct never shrinks") };
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: every struct has at least its size.
    let size = unsafe { at.cast::<usize>().read_unaligned() };
    let refuse = |cause: String| {
        Err(Error::bad_request("use argument", format!("{name}, a {} of {size} bytes", T::NAME), cause))
    };
    if size < T::FIRST_SIZE {
        return refuse(format!(
            "it is shorter than {} bytes: set its size to sizeof({})",
            T::FIRST_SIZE,
            T::NAME
        ));
    }
    if size > LARGEST {
        return refuse(format!(
            "no such struct is longer than {LARGEST} bytes: set its size to sizeof({})",
            T::NAME
        ));
    }
    for offset in size_of::<T>()..size {
        // SAFETY: it is as long as it says.
        if unsafe { at.cast::<u8>().add(offset).read() } != 0 {
            return refuse(format!(
                "byte {offset} is not zero and means nothing to this version, whose struct has {} bytes",
                size_of::<T>()
            ));
        }
    }
    let mut value = MaybeUninit::<T>::zeroed();
    let known = size.min(size_of::<T>());
    // SAFETY: both are at least that long; any bits are a value of `T`.
    unsafe {
        ptr::copy_nonoverlapping(at.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), known);
        Ok(Some(value.assume_init()))
    }
}

/// As of openat2(2), a page.
const LARGEST: usize = 4096;

/// As [`optional`], for one that must be there.
///
/// # Safety
/// As of [`optional`].
pub(crate) unsafe fn sized<T: Growing>(at: *const T, name: &str) -> Result<T> {
    // SAFETY: the same.
    required(unsafe { optional(at, name) }?, name)
}

/// An array of the caller's.
///
/// # Safety
/// `count` values at `at` that stay as they are for `'a`.
pub(crate) unsafe fn array<'a, T>(at: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if at.is_null() {
        return Err(Error::bad_request(
            "use argument",
            name,
            format!("it is NULL and should have {count} of them"),
        ));
    }
    if count > MOST {
        return Err(Error::bad_request("use argument", name, format!("{count} are more than {MOST}")));
    }
    // SAFETY: there are that many, says the caller.
    Ok(unsafe { std::slice::from_raw_parts(at, count) })
}

/// More than that is a count that was never set.
const MOST: usize = 65_536;

/// An array of pointers to structs, none of them NULL.
///
/// # Safety
/// `count` pointers at `at`, to structs as of [`optional`].
pub(crate) unsafe fn structs<T: Growing>(at: *const *const T, count: usize, name: &str) -> Result<Vec<T>> {
    // SAFETY: the same.
    let pointers = unsafe { array(at, count, name) }?;
    let read = |pointer: &*const T| {
        // SAFETY: the same.
        unsafe { sized(*pointer, name) }
    };
    pointers.iter().map(read).collect()
}

/// A key and its value, both UTF-8. It never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_pair {
    /// The key; not NULL.
    pub key: *const c_char,
    /// The value; not NULL.
    pub value: *const c_char,
}

/// Pairs as a map.
///
/// # Safety
/// `count` pairs at `at`, with strings.
pub(crate) unsafe fn pairs<M, V>(at: *const netns_pair, count: usize, name: &str) -> Result<M>
where
    M: FromIterator<(String, V)>,
    V: From<String>,
{
    // SAFETY: the same.
    let pairs = unsafe { array(at, count, name) }?;
    let read = |pair: &netns_pair| {
        // SAFETY: strings, says the caller.
        let (key, value) = unsafe { (text::text(pair.key, name)?, text::text(pair.value, name)?) };
        Ok((key.to_owned(), value.to_owned().into()))
    };
    pairs.iter().map(read).collect()
}

/// Refuses flags that this version does not know.
pub(crate) fn check_flags(flags: u64, known: u64, name: &str) -> Result<()> {
    match flags & !known {
        0 => Ok(()),
        unknown => {
            let cause = format!("{unknown:#x} means nothing to this version");
            Err(Error::bad_request("use argument", format!("{name}, {flags:#x}"), cause))
        }
    }
}

/// What a number of an enum of ours stands for.
pub(crate) fn chosen<T: Copy>(number: i32, known: &[(i32, T)], name: &str, of: &str) -> Result<T> {
    let found = known.iter().find(|(own, _)| *own == number).map(|(_, value)| *value);
    found.ok_or_else(|| Error::bad_request("use argument", name, format!("{number} is no {of}")))
}

/// Refuses a value in a field that means nothing yet: later it may.
pub(crate) fn check_reserved(reserved: u32) -> Result<()> {
    match reserved {
        0 => Ok(()),
        other => Err(Error::bad_request("use argument", "reserved", format!("it is {other} and must be 0"))),
    }
}
