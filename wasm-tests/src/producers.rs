//! Which Rust built a module: it says so in its `producers` section.

use crate::vm::built;

/// The version of the rustc that built the module of this name, such as `1.95.0 (59807616e 2026-04-14)`.
pub fn rustc(module: &str) -> Option<String> {
    version(&std::fs::read(built(module)).ok()?)
}

/// The section holds names and values, each with its length before it.
fn version(module: &[u8]) -> Option<String> {
    let field = b"\x0cprocessed-by";
    let field = module
        .windows(field.len())
        .rposition(|part| part == field)?;
    let rest = module.get(field..)?;
    let name = b"\x05rustc";
    let name = rest.windows(name.len()).position(|part| part == name)? + name.len();
    let length = usize::from(*rest.get(name)?);
    let version = rest.get(name + 1..name + 1 + length)?;
    String::from_utf8(version.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_read_by_its_lengths() {
        let module = b"\0asm code \x09producers\x02\x08language\x01\x04Rust\x00\x0cprocessed-by\x01\x05rustc\x071.2 (x)more";
        assert_eq!(version(module).as_deref(), Some("1.2 (x)"));
        assert_eq!(version(b"\0asm"), None);
        assert_eq!(version(b"\x0cprocessed-by\x01\x05rustc\x501.2"), None);
    }
}
