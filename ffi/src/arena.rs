//! Structs that the library fills in for a caller: the struct itself, and all that it points to.

use std::any::Any;
use std::ffi::{c_char, CString};
use std::ptr;

use crate::boundary::plain;
use crate::text::c_string;

/// Keeps what a struct points to at its place.
#[derive(Default)]
pub(crate) struct Arena {
    texts: Vec<CString>,
    others: Vec<Box<dyn Any>>,
}

impl Arena {
    pub(crate) fn text(&mut self, text: &str) -> *const c_char {
        let text = c_string(text);
        let at = text.as_ptr();
        self.texts.push(text);
        at
    }

    /// As text, or NULL.
    pub(crate) fn optional(&mut self, value: Option<&impl ToString>) -> *const c_char {
        value.map_or(ptr::null(), |value| self.text(&value.to_string()))
    }

    pub(crate) fn place<T: 'static>(&mut self, value: T) -> *const T {
        let value = Box::new(value);
        let at = ptr::from_ref(&*value);
        self.others.push(value);
        at
    }

    /// An array of structs as pointers to them, since a later version's may be larger; NULL when there are
    /// none.
    pub(crate) fn pointers<T: 'static>(&mut self, values: Vec<T>) -> *const *const T {
        let pointers: Vec<_> = values.into_iter().map(|value| self.place(value)).collect();
        self.array(pointers)
    }

    /// An array; NULL when it is empty.
    pub(crate) fn array<T: 'static>(&mut self, values: Vec<T>) -> *const T {
        if values.is_empty() {
            return ptr::null();
        }
        let values = values.into_boxed_slice();
        let at = values.as_ptr();
        self.others.push(Box::new(values));
        at
    }
}

/// A struct as the caller sees it, followed by what keeps it whole.
#[repr(C)]
struct Owned<T> {
    public: T,
    arena: Arena,
}

/// Hands out `public`, which points into `arena`.
pub(crate) fn hand_out<T>(public: T, arena: Arena) -> *mut T {
    Box::into_raw(Box::new(Owned { public, arena })).cast()
}

/// Takes back what [`hand_out`] gave; NULL is fine.
///
/// # Safety
/// Not taken back before, and from [`hand_out`] of the same `T`.
pub(crate) unsafe fn take_back<T>(public: *mut T) {
    if public.is_null() {
        return;
    }
    // SAFETY: the struct is the first field of the `Owned` that was boxed.
    let owned = unsafe { Box::from_raw(public.cast::<Owned<T>>()) };
    plain((), || drop(owned.arena));
}
