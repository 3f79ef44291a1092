//! Strings that come from C and go there.

use std::ffi::{c_char, CStr, CString};

use netns::{Error, Result};

use crate::boundary::required;

/// A string that may be NULL.
///
/// # Safety
/// NULL, or a string that ends with a NUL and stays as it is for `'a`.
pub(crate) unsafe fn optional<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: it ends with a NUL, says the caller.
    let text = unsafe { CStr::from_ptr(text) };
    let valid = text.to_str().map_err(|error| {
        let shown = format!("{name}, {:?}", text.to_string_lossy());
        Error::bad_request("use argument", shown, format!("it is not UTF-8: {error}"))
    });
    valid.map(Some)
}

/// A string that must not be NULL.
///
/// # Safety
/// As of [`optional`].
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the same.
    required(unsafe { optional(text, name) }?, name)
}

/// A string for people, whatever its bytes.
///
/// # Safety
/// As of [`optional`].
pub(crate) unsafe fn lossy(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it ends with a NUL, says the caller.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A value that is written as text, such as an address.
///
/// # Safety
/// As of [`optional`].
pub(crate) unsafe fn parsed<T: std::str::FromStr>(text: *const c_char, name: &str) -> Result<Option<T>>
where
    T::Err: std::fmt::Display,
{
    // SAFETY: the same.
    let Some(text) = (unsafe { optional(text, name) })? else { return Ok(None) };
    let refused =
        |error: T::Err| Error::bad_request("use argument", format!("{name}, {text:?}"), error.to_string());
    text.parse().map(Some).map_err(refused)
}

/// `text` for C. A NUL inside, which no text of ours has, would end it early: it becomes U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| {
        let mut bytes = text.replace('\0', "\u{fffd}").into_bytes();
        bytes.push(0);
        CString::from_vec_with_nul(bytes).unwrap_or_default()
    })
}
