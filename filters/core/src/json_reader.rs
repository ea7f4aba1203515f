//! Reads JSON that is known to be well-formed into types.
//!
//! serde_json's own reader may find a broken text or an array in the place of every struct, so that what serde derives for a
//! large document becomes a fifth of a module, which V8 compiles and keeps in memory. This one has one function for each kind of
//! value, shared by all types, and takes objects only. Containers are never inlined into the one around them, because V8 needs
//! megabytes for a while to compile a function that holds a whole document's reader, and Envoy keeps them.

mod text;

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde_json::Number;

pub(crate) use text::Reader;

impl Reader<'_> {
    /// What follows is of another type.
    #[inline(never)]
    fn wrong(&mut self, expected: &dyn Expected) -> Error {
        let start = self.at;
        let first = self.peek();
        let error = match first {
            Some(b'"') => match self.text() {
                Ok(text) => Error::invalid_type(Unexpected::Str(&text), expected),
                Err(error) => error,
            },
            Some(b'{') => Error::invalid_type(Unexpected::Map, expected),
            Some(b'[') => Error::invalid_type(Unexpected::Seq, expected),
            Some(b'n') => Error::invalid_type(Unexpected::Unit, expected),
            Some(b't') => Error::invalid_type(Unexpected::Bool(true), expected),
            Some(b'f') => Error::invalid_type(Unexpected::Bool(false), expected),
            _ => match self.number() {
                Ok(number) => Error::invalid_type(unexpected(&number), expected),
                Err(error) => error,
            },
        };
        self.at = start;
        error
    }
}

fn unexpected(number: &Number) -> Unexpected<'_> {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => Unexpected::Unsigned(number),
        (None, Some(number)) => Unexpected::Signed(number),
        (None, None) => Unexpected::Float(number.as_f64().unwrap_or_default()),
    }
}

/// Types that are read as another is.
macro_rules! alike {
    ($($as:ident: $($name:ident)*;)*) => {
        $($(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$as(visitor)
        })*)*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => self.deserialize_unit(visitor),
            _ => self.deserialize_f64(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong(&visitor));
        }
        visitor.visit_str(&self.text()?)
    }

    /// A number, or a text that is one: that is what Envoy makes of a number in YAML which has a fraction, or is larger than
    /// 32 bits.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'"') => match self.number_in_text()? {
                Some(number) => number,
                None => return Err(self.wrong(&visitor)),
            },
            _ => return Err(self.wrong(&visitor)),
        };
        match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => visitor.visit_u64(number),
            (None, Some(number)) => visitor.visit_i64(number),
            (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b't' | b'f') => visitor.visit_bool(self.word() == b"true"),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'n') {
            return Err(self.wrong(&visitor));
        }
        self.word();
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        self.word();
        visitor.visit_none()
    }

    #[inline(never)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'[') {
            return Err(self.wrong(&visitor));
        }
        self.at += 1;
        visitor.visit_seq(Inside(self))
    }

    #[inline(never)]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'{') {
            return Err(self.wrong(&visitor));
        }
        self.at += 1;
        visitor.visit_map(Inside(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    /// Of variants that have a name and nothing else.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong(&visitor));
        }
        let text = self.text()?;
        let variant: StrDeserializer<'_, Error> = text.as_ref().into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => drop(self.text()?),
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                Some(b',' | b':') => self.at += 1,
                Some(_) => drop(self.number()),
                None => depth = 0,
            }
            if depth == 0 {
                return visitor.visit_unit();
            }
        }
    }

    alike! {
        deserialize_f64: deserialize_f32 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
            deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        deserialize_str: deserialize_string deserialize_char deserialize_identifier;
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit_struct tuple tuple_struct }
}

/// The members of an object or the elements of an array.
struct Inside<'r, 'j>(&'r mut Reader<'j>);

impl<'de> MapAccess<'de> for Inside<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !self.0.more() {
            return Ok(None);
        }
        let name = self.0.name()?;
        let name: StrDeserializer<'_, Error> = name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

impl<'de> SeqAccess<'de> for Inside<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if !self.0.more() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// What is wrong; where is the reader's to know.
#[derive(Debug)]
pub(crate) struct Error(String);

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self(format!("invalid type: null, expected {expected}")),
            _ => Self(format!("invalid type: {found}, expected {expected}")),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
