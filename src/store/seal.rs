//! Seals: the RFC 6962 tree over the leaves of all events, and its heads, signed as C2SP tlog-checkpoint notes.
//!
//! Whoever holds a checkpoint can tell for ever whether the log they are shown later is the one it was: no event before
//! it can be changed, left out or put in without another root. `docs/evidence.md` describes the forms byte by byte.

mod change;
mod checking;
mod key;
mod note;
mod sealer;
mod tree;

pub use change::{Turns, finish_change, next_key_file};
pub use checking::{SealReport, Shown, check_seals, shown};
pub(super) use key::Secret;
pub use key::{SealKey, SealKeyTrouble};
pub(super) use note::point;
pub use note::{Checkpoint, NoteTrouble, PublicKey, parts};
pub use sealer::{SealTrouble, Sealed, Sealer, latest};
pub use tree::{Frontier, Node, Tree, continues, empty_root, includes};
