//! Which version of the library this is.

use std::ffi::{c_char, CStr};

/// The version of the header, to compare with netns_version_number: 0x00MMmmpp.
pub const NETNS_VERSION: u32 = 0x0000_0100;

const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The version of the library that was loaded: "0.1.0". It lasts as long as the program.
#[no_mangle]
pub extern "C" fn netns_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(TEXT.as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}

/// The version of the library that was loaded, as a number that grows: major << 16 | minor << 8 | patch. The
/// header's own is NETNS_VERSION.
#[no_mangle]
pub extern "C" fn netns_version_number() -> u32 {
    NETNS_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_number_is_the_packages() {
        let mut parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse::<u32>().unwrap());
        let mut next = || parts.next().unwrap();
        assert_eq!(NETNS_VERSION, next() << 16 | next() << 8 | next());
    }
}
