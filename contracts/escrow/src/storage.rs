//! Storage keys, and rows by id. A key is never given another meaning.

use charter_common::Answer;
use charter_types::escrow::{ChannelId, EscrowError, Fact};

use crate::model::Channel;

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const CHANNELS: u8 = 1;
}

impl crate::Escrow {
    pub(crate) fn find(&self, id: &ChannelId) -> Option<Channel> {
        self.channels.get(id)
    }

    pub(crate) fn load(&self, id: &ChannelId) -> Answer<Channel> {
        Ok(self.find(id).ok_or(EscrowError::UnknownChannel { id: *id })?)
    }

    /// Writes a channel back. Its invariant is checked on the way, in release too.
    pub(crate) fn save(&mut self, id: &ChannelId, channel: &Channel) -> Answer {
        channel.check_invariant()?;
        self.channels.update(id, channel, &mut self.core.storage)
    }

    pub(crate) fn save_and_tell(&mut self, event: &str, id: &ChannelId, channel: &Channel) -> Answer {
        self.save(id, channel)?;
        self.emit(event, Fact::Channel(channel.view(*id)));
        Ok(())
    }
}
