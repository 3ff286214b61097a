//! Witnesses: somebody else sees that each checkpoint of a log goes on from the one before, and says so with a key of
//! their own. Whoever holds the key of the log can sign another history; the witness has seen the true one, and signs no
//! second. C2SP tlog-witness is how they talk, C2SP tlog-cosignature what they sign.

mod asking;
mod kept;
mod key;
mod standing;

pub use asking::{AskTrouble, Asking, ToAsk};
pub use kept::{Answer, Witness, WitnessTrouble};
pub use key::{WitnessKey, WitnessSigner};
pub use standing::{Standing, check_cosignatures, cosigned, standing, with_cosignatures};
