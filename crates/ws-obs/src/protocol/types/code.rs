//! Enumerations that are numbers on the wire.

/// A number with names for some of its values.
macro_rules! code {
    ($(#[$doc:meta])* $name:ident($number:ident) { $($(#[$value_doc:meta])* $value:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name($number);

        impl $name {
            $(
                $(#[$value_doc])*
                pub const $value: Self = Self($code);
            )+

            /// The number, whether it has a name or not.
            #[must_use]
            pub const fn new(code: $number) -> Self {
                Self(code)
            }

            /// The number.
            #[must_use]
            pub const fn code(self) -> $number {
                self.0
            }

            /// The name, such as
            #[doc = concat!("`", stringify!($name), "`'s constants have; `None` for a number that is not known here.")]
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($value)),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{} {name}", self.0),
                    None => std::fmt::Display::fmt(&self.0, f),
                }
            }
        }
    };
}

pub(super) use code;
