//! Three small macros that keep one event, one refusal or one code in one place: name, version, description, words.

/// Declare an aggregate's events. Each line: `"stored.name", version [, reason] => Variant { field: Type }`.
/// `reason` marks facts that may not be recorded without one. Doc comments go into the generated catalogue.
macro_rules! events {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident in $stream:literal {
            $(
                $(#[doc = $doc:literal])*
                $name:literal, $version:literal $(, $reason:ident)? => $Variant:ident {
                    $( $(#[doc = $fdoc:literal])* $(#[serde($($fserde:tt)*)])? $field:ident : $Type:ty ),* $(,)?
                }
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum $Enum {
            $(
                $(#[doc = $doc])*
                #[serde(rename = $name)]
                $Variant { $( $(#[doc = $fdoc])* $(#[serde($($fserde)*)])? $field: $Type ),* }
            ),*
        }

        impl $crate::domain::Event for $Enum {
            const KINDS: &'static [$crate::domain::catalogue::Kind] = &[
                $( $crate::domain::catalogue::Kind {
                    stream: $stream,
                    name: $name,
                    version: $version,
                    about: concat!($($doc),*),
                    needs_reason: events!(@reason $($reason)?),
                    fields: &[ $( $crate::domain::catalogue::Field {
                        name: stringify!($field),
                        kind: stringify!($Type),
                        about: concat!($($fdoc),*),
                    } ),* ],
                } ),*
            ];

            fn kind(&self) -> &'static $crate::domain::catalogue::Kind {
                enum Place { $($Variant),* }
                let place = match self { $( Self::$Variant { .. } => Place::$Variant ),* };
                &Self::KINDS[place as usize]
            }

            fn sentence(&self) -> String {
                self.told()
            }
        }
    };
    (@reason reason) => { true };
    (@reason) => { false };
}

/// Declare an aggregate's refusals. Each line: `"stable.code" => Variant { data }, "the sentence with {data}";`.
macro_rules! refusals {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident {
            $( $code:literal => $Variant:ident $({ $($field:ident : $Type:ty),* $(,)? })?, $sentence:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, thiserror::Error)]
        #[expect(missing_docs, reason = "each variant carries its own sentence and code")]
        pub enum $Enum {
            $( #[error($sentence)] $Variant $({ $($field: $Type),* })? ),*
        }

        impl $crate::domain::Refusal for $Enum {
            fn code(&self) -> &'static str {
                match self { $( Self::$Variant { .. } => $code ),* }
            }
        }

        impl $Enum {
            /// Every code of this enum.
            pub const CODES: &'static [&'static str] = &[$($code),*];
        }
    };
}

/// Declare a closed list of codes with words; stored codes stay for ever, new ones may be added.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident { $( $code:literal => $Variant:ident, $words:literal; )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $Enum { $( #[doc = $words] #[serde(rename = $code)] $Variant ),* }

        impl $Enum {
            /// Every code of the list.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),*];

            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$Variant => $code),* } }

            /// The words for people.
            #[must_use]
            pub const fn words(self) -> &'static str { match self { $(Self::$Variant => $words),* } }

            /// The entry with this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$Variant),)* _ => None }
            }
        }
    };
}
