//! Files that leave the house and come back to it: each form in a file of its own, with what it promises.

pub mod evidence;
pub mod payment_file;
pub mod remittance;
