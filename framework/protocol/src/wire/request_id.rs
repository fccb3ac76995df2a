//! Request ids. The upper bits name the feature that is called; the bits below name the request.

/// The lowest bit of the slot: the index of the feature that is called.
pub const SLOT_SHIFT: u32 = 48;
const REQUEST: u64 = (1 << SLOT_SHIFT) - 1;

/// The part of an id that names the request.
pub fn request(id: u64) -> u64 {
    id & REQUEST
}

/// The id that names this request to the feature in this slot.
pub fn in_slot(slot: usize, request: u64) -> u64 {
    (slot as u64) << SLOT_SHIFT | request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_and_its_request_share_an_id() {
        let id = in_slot(31, 7);
        assert_eq!(id >> SLOT_SHIFT, 31);
        assert_eq!(request(id), 7);
        assert_eq!(request(u64::MAX), (1 << 48) - 1);
    }
}
