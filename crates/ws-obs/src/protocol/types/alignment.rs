//! Where something is held.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

bitflags::bitflags! {
    /// Which point of an item its position means, and where in its bounds it lies. Nothing is the centre.
    ///
    /// ```
    /// use ws_obs::types::{Alignment, SceneItemTransformUpdate};
    ///
    /// let corner = SceneItemTransformUpdate::new().alignment(Alignment::BOTTOM | Alignment::RIGHT);
    /// # let _ = corner;
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Alignment: u32 {
        /// On the left; in the middle of the width unless this or `RIGHT`.
        const LEFT = 1 << 0;
        /// On the right.
        const RIGHT = 1 << 1;
        /// At the top; in the middle of the height unless this or `BOTTOM`.
        const TOP = 1 << 2;
        /// At the bottom.
        const BOTTOM = 1 << 3;
        // Whatever else comes is kept.
        const _ = !0;
    }
}

impl Serialize for Alignment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bits().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Alignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self::from_bits_retain)
    }
}
