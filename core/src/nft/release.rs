//! Elements that keep a network's chains from being deleted: the kernel refuses as long as one jumps there.

use super::firewall::{Answers, Firewall};
use super::layout::Family;
use super::message::{Body, Message, Owned};
use super::network::{into, out, post};
use super::{Change, Entry};
use crate::error::Result;

impl Firewall {
    /// Deletes what jumps to chains that could not be deleted, too; whether there was anything that the
    /// transaction does not delete already.
    pub(super) fn release_chains(
        &mut self,
        changes: &[Change],
        messages: &mut Vec<Message>,
        answers: &Answers,
    ) -> Result<bool> {
        let busy = answers.refused.iter().filter(|(_, refusal, _)| refusal.errno == libc::EBUSY);
        let mut networks: Vec<usize> = busy
            .map(|(index, ..)| &messages[*index])
            .filter(|message| matches!(message.body, Body::DeleteChain { .. }))
            .map(|message| message.change)
            .collect();
        networks.dedup();
        let mut any = false;
        for network in networks {
            let Some(Change::DeleteNetwork { key }) = changes.get(network) else { continue };
            for (map, chain) in [("from", out(key)), ("to", into(key)), ("leave", post(key))] {
                any |= self.release(network, messages, key, map, &chain)?;
            }
        }
        Ok(any)
    }

    fn release(
        &mut self,
        network: usize,
        messages: &mut Vec<Message>,
        key: &str,
        map: &str,
        chain: &str,
    ) -> Result<bool> {
        let mut any = false;
        for name in self.jumping(map, chain)? {
            let entry = Entry::Interface { name, key: key.to_owned() };
            let cells = entry.cells().into_iter().filter(|cell| cell.set == map || cell.set == "ours");
            for cell in cells {
                let known = messages.iter().any(|message| match &message.body {
                    Body::DeleteElements { cells, .. } => cells.iter().any(|known| known.cell == cell),
                    _ => false,
                });
                if known {
                    continue;
                }
                any = true;
                let first = messages.iter().position(|message| message.change == network).unwrap_or(0);
                let set = cell.set.clone();
                let cells = vec![Owned { cell, comment: String::new(), element: 0 }];
                let body = Body::DeleteElements { set, cells };
                messages.insert(first, Message { family: Family::Inet, body, change: network, keep: false });
            }
        }
        Ok(any)
    }
}
