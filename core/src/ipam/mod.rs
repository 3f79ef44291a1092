//! Address pools and the addresses in them.
