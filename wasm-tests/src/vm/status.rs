//! The result codes of the ABI.

/// What a host call returns. The numbers are those of proxy-wasm ABI 0.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// No such key, header, buffer or function.
    NotFound = 1,
    /// The arguments do not fit the object, or the object is not there in this callback.
    BadArgument = 2,
    /// A value could not be turned into bytes.
    SerializationFailure = 3,
    /// A pointer outside of the module's memory.
    InvalidMemoryAccess = 6,
    /// Somebody else wrote the shared value first.
    CasMismatch = 8,
    /// The host failed.
    InternalFailure = 10,
    /// The host does not have this call.
    Unimplemented = 12,
}

impl Status {
    /// The number that crosses into the module.
    pub(super) fn of(result: Result<(), Self>) -> u32 {
        match result {
            Ok(()) => Self::Ok as u32,
            Err(status) => status as u32,
        }
    }
}
