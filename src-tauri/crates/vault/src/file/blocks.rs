//! The memory in which a key is derived: mapped in large pages where the system has them, given back when done. Called by `format` alone.
//!
//! With pages of 4 KiB the system answers 1,800 page faults per derivation, a third of its time.

use argon2::Block;
use memmap2::MmapMut;

/// Zeroed blocks of 1 KiB.
pub(super) struct Blocks {
    memory: MmapMut,
    count: usize,
}

impl Blocks {
    /// Nothing when the system has not that much memory.
    pub(super) fn new(count: usize) -> Option<Self> {
        // Whole large pages: a part of one would be made of small ones.
        let size = count
            .checked_mul(Block::SIZE)?
            .checked_next_multiple_of(2 << 20)?;
        let memory = MmapMut::map_anon(size).ok()?;
        // A system without large pages does without.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        Some(Self { memory, count })
    }
}

impl AsMut<[Block]> for Blocks {
    fn as_mut(&mut self) -> &mut [Block] {
        #[expect(
            unsafe_code,
            reason = "the cipher's block type has no safe way from bytes"
        )]
        // SAFETY: `Block` is an array of `u64`, for which every bit pattern is a value.
        let (_, blocks, _) = unsafe { self.memory.align_to_mut::<Block>() };
        // A mapping begins at a page, so nothing is lost to the alignment.
        let count = self.count.min(blocks.len());
        &mut blocks[..count]
    }
}
