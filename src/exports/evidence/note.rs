//! Reading a checkpoint as strictly as `docs/evidence.md` has it, and no more leniently than any other verifier.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::store::seal::{Checkpoint, PublicKey};

/// Read a checkpoint that a key signed: of its form to the letter, lines split at LF only, signed by the key once.
///
/// # Errors
/// Why it is not such a checkpoint, in words.
pub fn read_note(bytes: &[u8], key: &PublicKey) -> Result<Checkpoint, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let plain = |sign: char| matches!(sign, '\n' | '\u{2014}' | ' '..='~');
    if !text.chars().all(plain) {
        return Err("it holds characters that no checkpoint has".into());
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let [origin, size, _, "", signatures @ .., ""] = &lines[..] else {
        return Err("it does not have the form of a checkpoint".into());
    };
    let (name, id) = (key.name(), hex::decode(key.id()).unwrap_or_default());
    let mut ours = 0;
    for line in signatures {
        let (signer, signed) =
            signature(line).ok_or_else(|| "a signature line is not of that form".to_owned())?;
        if signer == name && signed.starts_with(&id) {
            ours += 1;
        }
    }
    if ours != 1 {
        return Err("it is not signed by the key, once".into());
    }
    if *origin != name {
        return Err("it is of another log".into());
    }
    let known = |size: &u64| (1..1 << 53).contains(size);
    if size.len() > 16 || !size.parse().as_ref().is_ok_and(known) {
        return Err("its size cannot be read".into());
    }
    Checkpoint::read(text, std::slice::from_ref(key)).map_err(|why| why.to_string())
}

/// Who signed, by a signature line, with the id of the key and the signature.
fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let [dash, name, signed] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
    let named = !name.is_empty() && name.chars().all(|sign| sign.is_ascii_graphic() && sign != '+');
    let signed = BASE64.decode(signed).ok().filter(|signed| signed.len() >= 5)?;
    (dash == "\u{2014}" && named).then_some((name, signed))
}
