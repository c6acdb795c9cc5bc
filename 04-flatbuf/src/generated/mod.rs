//! What flatc has made of `schema/*.fbs`: accessors, builders, verifiers. Nobody writes here by hand.
//!
//! `schema/regenerate` writes these files anew, `schema/regenerate --check` says whether they are what flatc makes. No lint looks at them, and
//! they alone may have `unsafe` code: an accessor believes what the verifier has seen.

/// The code of one schema.
macro_rules! generated {
    ($($(#[$about:meta])* $name:ident)*) => {$(
        $(#[$about])*
        #[allow(
            missing_docs, unsafe_code, unused, nonstandard_style, clippy::all, clippy::pedantic, clippy::disallowed_types,
            clippy::disallowed_methods, clippy::float_arithmetic, rustdoc::all, mismatched_lifetime_syntaxes,
            reason = "flatc has written it"
        )]
        pub mod $name;
    )*};
}

generated! {
    /// `schema/topic.fbs`: a sample of a topic.
    topic
    /// `schema/station.fbs`: what a weather station says.
    station
    /// `schema/evolution/first.fbs`: a sample, first version.
    first
    /// `schema/evolution/second.fbs`: a sample, second version.
    second
}
