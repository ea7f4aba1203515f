//! The sections of a WebAssembly module.

/// The magic number and the version.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";
const CUSTOM: u8 = 0;
const EXPORT: u8 = 7;

/// The section in which a module names the callbacks of its filter, a line each.
const CALLBACKS: &str = "meshrouter.callbacks";
/// Custom sections that stay: who built it, and which features it needs.
const KEPT: [&str; 2] = ["producers", "target_features"];
/// What every exported callback is called, and those that every module needs.
const CALLBACK: &str = "proxy_on_";
const LIFECYCLE: [&str; 5] = [
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
];

/// A section: its number and its content.
type Section<'a> = (u8, &'a [u8]);

/// The module without names, and without the exports of callbacks that it does not list; one that lists none keeps all.
/// `None` where these are the bytes of no module.
pub(crate) fn trim(module: &[u8]) -> Option<Vec<u8>> {
    let sections = sections(module)?;
    let custom = |name: &str| {
        let mut custom = sections.iter().filter(|(id, _)| *id == CUSTOM);
        custom.find_map(|(_, content)| content_of(content).filter(|(found, _)| *found == name))
    };
    let listed = match custom(CALLBACKS) {
        Some((_, text)) => Some(std::str::from_utf8(text).ok()?.lines().collect::<Vec<_>>()),
        None => None,
    };
    let mut trimmed = HEADER.to_vec();
    for (id, content) in &sections {
        match *id {
            CUSTOM if !KEPT.contains(&content_of(content)?.0) => {}
            EXPORT => push_section(&mut trimmed, EXPORT, &exports(content, listed.as_deref())?),
            _ => push_section(&mut trimmed, *id, content),
        }
    }
    Some(trimmed)
}

fn sections(module: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = module.strip_prefix(HEADER)?;
    let mut sections = Vec::new();
    while let Some((id, behind)) = rest.split_first() {
        let (content, behind) = sized(behind)?;
        sections.push((*id, content));
        rest = behind;
    }
    Some(sections)
}

/// The name of a custom section and what it holds.
fn content_of(section: &[u8]) -> Option<(&str, &[u8])> {
    let (name, content) = sized(section)?;
    Some((std::str::from_utf8(name).ok()?, content))
}

/// The export section without the callbacks that are not listed.
fn exports(section: &[u8], listed: Option<&[&str]>) -> Option<Vec<u8>> {
    let (count, mut rest) = number(section)?;
    let (mut kept, mut entries) = (0, Vec::new());
    for _ in 0..count {
        let (name, behind) = sized(rest)?;
        // The kind of what is exported, then its index.
        let (_, after) = number(behind.get(1..)?)?;
        let length = rest.len().checked_sub(after.len())?;
        let (entry, after) = rest.split_at_checked(length)?;
        if stays(std::str::from_utf8(name).ok()?, listed) {
            entries.extend_from_slice(entry);
            kept += 1;
        }
        rest = after;
    }
    let mut section = Vec::with_capacity(entries.len() + 5);
    push_number(&mut section, kept);
    section.extend_from_slice(&entries);
    rest.is_empty().then_some(section)
}

fn stays(name: &str, listed: Option<&[&str]>) -> bool {
    let is_wanted = |listed: &[&str]| LIFECYCLE.contains(&name) || listed.contains(&name);
    !name.starts_with(CALLBACK) || listed.is_none_or(is_wanted)
}

/// Bytes behind their number, and what follows them.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// An unsigned LEB128 number, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0_u32;
    for (n, byte) in bytes.iter().enumerate().take(5) {
        number |= u32::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(n + 1..)?));
        }
    }
    None
}

fn push_number(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn push_section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    push_number(out, u32::try_from(content.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of these sections.
    fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut module = HEADER.to_vec();
        for (id, content) in sections {
            push_section(&mut module, *id, content);
        }
        module
    }

    fn named(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_number(&mut bytes, name.len() as u32);
        [&bytes, name.as_bytes(), content].concat()
    }

    /// Functions under these names, the n-th with index 200 + n, which takes two bytes.
    fn exported(names: &[&str]) -> (u8, Vec<u8>) {
        let mut section = Vec::new();
        push_number(&mut section, names.len() as u32);
        for name in names {
            section.extend(named(name, &[0, 0xC8, 0x01]));
        }
        (EXPORT, section)
    }

    const LISTED: &[u8] = b"proxy_on_request_body\nproxy_on_log\n";

    #[test]
    fn callbacks_that_no_filter_has_and_names_go() {
        let custom = |name: &str, content: &[u8]| (CUSTOM, named(name, content));
        let code = (10, vec![7; 300]);
        let built = module(&[
            exported(&[
                "memory",
                "proxy_on_request_body",
                "proxy_on_done",
                "proxy_on_delete",
                "proxy_on_log",
            ]),
            code.clone(),
            custom(CALLBACKS, LISTED),
            custom("name", b"long"),
            custom("producers", b"rustc"),
        ]);
        let wanted = module(&[
            exported(&[
                "memory",
                "proxy_on_request_body",
                "proxy_on_delete",
                "proxy_on_log",
            ]),
            code,
            custom("producers", b"rustc"),
        ]);
        assert_eq!(trim(&built), Some(wanted));
    }

    #[test]
    fn a_module_that_lists_nothing_keeps_all_exports() {
        let built = module(&[exported(&["proxy_on_done", "proxy_on_log"])]);
        assert_eq!(trim(&built), Some(built));
    }

    #[test]
    fn what_is_no_module_is_left_alone() {
        let built = module(&[exported(&["proxy_on_done"]), (CUSTOM, named("name", b"x"))]);
        for length in HEADER.len() + 1..built.len() {
            let cut = built.get(..length).unwrap_or_default();
            // Where a section ends, so may a module.
            let whole = module(&[exported(&["proxy_on_done"])]);
            assert_eq!(trim(cut), (cut == whole).then_some(whole), "{length}");
        }
        assert_eq!(trim(b"MZ"), None);
    }
}
