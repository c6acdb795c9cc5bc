//! Schemas change, and programs do not all change on one day.
//!
//! What a buffer has of its schema is numbers: of fields, of enum values, of union members. Names are not in it, nor are types and defaults. So
//! what may change, and what may not, follows from one question: *what does somebody read who has the other schema?*
//!
//! | file | idea |
//! |---|---|
//! | [`compatibility`] | may this schema follow that one? pure |
//! | [`renames`] | what has another name, and nothing else |
//! | [`first`] | a reader that has the first version |
//! | [`second`] | a reader that has the second version |

pub mod compatibility;
pub mod first;
pub mod renames;
pub mod second;
