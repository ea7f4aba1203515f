//! What all of them have in common.

use meshrouter_core::groups;
use serde::Deserialize;

/// What they read of the gateway document.
#[derive(Debug, Deserialize)]
pub struct Shape {
    #[serde(default)]
    native: bool,
}

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    /// The plan as Envoy's router reads it, in the native shape.
    pub(crate) groups: Option<String>,
}

impl From<Shape> for Settings {
    fn from(shape: Shape) -> Self {
        let groups = shape
            .native
            .then(|| groups::encode(["alpha", "beta", "gamma"]));
        Self { groups }
    }
}

/// A value of so many bytes.
pub(crate) const fn bytes<const N: usize>() -> [u8; N] {
    [b'x'; N]
}

/// A filter of this name with these callbacks.
macro_rules! filter {
    ($(#[$doc:meta])* $name:ident $callbacks:tt) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(
            #[allow(dead_code, reason = "not all of them ask for the shape")]
            std::rc::Rc<$crate::filter::Settings>,
        );

        impl meshrouter_host::Filter for $name {
            type Document = $crate::filter::Shape;
            type Settings = $crate::filter::Settings;

            const NAME: &'static str = stringify!($name);

            fn configure(
                shape: Self::Document,
            ) -> Result<Self::Settings, meshrouter_core::DocumentError> {
                Ok(shape.into())
            }

            fn new(settings: std::rc::Rc<Self::Settings>) -> Self {
                Self(settings)
            }

            $crate::filter::filter!(@ $callbacks);
        }
    };
    (@ { $($callback:item)* }) => { $($callback)* };
}

pub(crate) use filter;
