//! Files that leave the house and come back to it: each form in a file of its own, with what it promises.

pub mod evidence;
pub mod feed;
pub mod payment_file;
pub mod remittance;

// What the areas share; they know each other only by these names.
use evidence::DISCLOSED;
