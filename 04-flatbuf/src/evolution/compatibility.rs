//! May this schema follow that one? Pure.
//!
//! Two schemas are compatible when whoever has one can read what whoever has the other has written, in both directions, and nobody reads
//! something that was not meant. No verifier finds the difference: the bytes are right in either schema.

use super::renames::{renames, with_old_names};
use crate::schema::{Enum, Field, Object, Schema, Type};
use std::fmt;

/// Something that has changed between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What has changed, by its old name: `Evolution.Sample.colour`.
    pub at: String,
    /// How.
    pub kind: Kind,
}

/// How something has changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The root is another table, or the identifier another one.
    Root {
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
    /// A table, struct, enum or union is gone, or something else.
    Gone,
    /// A field is not there any more, so its number is free for another.
    Removed {
        /// Its number.
        id: u16,
    },
    /// A field has another number.
    Moved {
        /// The number that it had.
        old: u16,
        /// The number that it has.
        new: u16,
    },
    /// A field, or the number behind an enum, has another type.
    Retyped {
        /// The type that it had.
        old: String,
        /// The type that it has.
        new: String,
    },
    /// A field has another default, which no buffer carries.
    Redefaulted {
        /// The default that it had.
        old: String,
        /// The default that it has.
        new: String,
    },
    /// A field is required, and was not there or not required; or the other way round.
    Required {
        /// Whether it is now.
        now: bool,
    },
    /// A struct is another one: its bytes have no vtable, so nothing can be added to it.
    Restructured,
    /// The number of an enum's value, or of a union's member, means something else, or nothing.
    Renumbered {
        /// The number.
        value: i64,
        /// What it means now, if anything.
        new: Option<String>,
    },
    /// A table, a struct, an enum, a union, or something in one, has another name: the bytes are the same; JSON and sources are not.
    Renamed {
        /// The name that it has.
        new: String,
    },
}

impl Change {
    /// Whether it breaks something: whoever has the one schema misreads, or cannot read, what the other has written.
    pub fn breaks(&self) -> bool {
        !matches!(self.kind, Kind::Renamed { .. })
    }
}

/// What has changed from `old` to `new`, other than what may: new tables, fields at the end, deprecated fields, new enum values and union
/// members. In the order of names.
pub fn changes(old: &Schema, new: &Schema) -> Vec<Change> {
    let renamed = renames(old, new);
    let mut found: Vec<Change> =
        renamed.iter().map(|(was, is)| change(was, Kind::Renamed { new: is.clone() })).collect();
    // What has another name is compared with what it was.
    let new = &with_old_names(new, &renamed);
    roots(old, new, &mut found);
    for (name, was) in &old.objects {
        match new.objects.get(name) {
            Some(is) if was.is_struct != is.is_struct => found.push(change(name, Kind::Gone)),
            Some(is) if was.is_struct => found.extend(structs(name, was, is)),
            Some(is) => tables(name, was, is, &mut found),
            None => found.push(change(name, Kind::Gone)),
        }
    }
    for (name, was) in &old.enums {
        match new.enums.get(name) {
            Some(is) => enums(name, was, is, &mut found),
            None => found.push(change(name, Kind::Gone)),
        }
    }
    found.sort();
    found
}

fn change(at: impl fmt::Display, kind: Kind) -> Change {
    Change { at: at.to_string(), kind }
}

fn roots(old: &Schema, new: &Schema, found: &mut Vec<Change>) {
    let none = || "none".to_string();
    let pairs =
        [("the root table", &old.root, &new.root), ("the identifier", &old.identifier, &new.identifier)];
    for (what, old, new) in pairs {
        if old != new {
            let (old, new) = (old.clone().unwrap_or_else(none), new.clone().unwrap_or_else(none));
            found.push(change(what, Kind::Root { old, new }));
        }
    }
}

/// A struct has no vtable: its size, and the place and type of each of its fields, are known to whoever reads it.
fn structs(name: &str, old: &Object, new: &Object) -> Option<Change> {
    // solution: begin — Part E: a struct is for ever
    let places = |of: &Object| -> Vec<(usize, Type)> {
        of.fields.values().map(|field| (field.offset, field.kind.clone())).collect()
    };
    let elsewhere =
        |was: &Field| new.fields.values().any(|is| is.name == was.name && is.offset != was.offset);
    let same = old.size == new.size
        && old.align == new.align
        && places(old) == places(new)
        && !old.fields.values().any(elsewhere);
    (!same).then(|| change(name, Kind::Restructured))
    // solution: end
}

/// Tables: whoever has the other schema finds each field by its number.
fn tables(name: &str, old: &Object, new: &Object, found: &mut Vec<Change>) {
    for (id, was) in &old.fields {
        let at = format!("{name}.{}", was.name);
        let moved = new.fields.iter().find(|(other, field)| *other != id && field.name == was.name);
        // solution: begin — Part E: what has become of a field
        match (new.fields.get(id), moved) {
            (_, Some((new, _))) => found.push(change(at, Kind::Moved { old: *id, new: *new })),
            (Some(is), None) => fields(&at, was, is, found),
            (None, None) => found.push(change(at, Kind::Removed { id: *id })),
        }
        // solution: end
    }
    let is_new = |id: &u16, field: &Field| {
        !old.fields.contains_key(id) && old.fields.values().all(|was| was.name != field.name)
    };
    for (_, is) in new.fields.iter().filter(|(id, field)| is_new(id, field)) {
        // solution: begin — Part E: a new field, and those who do not know it
        if is.required {
            found.push(change(format!("{name}.{}", is.name), Kind::Required { now: true }));
        }
        // solution: end
    }
}

/// Two fields of one number. Two of different names whose types differ are one that was taken away, and another in its place.
fn fields(at: &str, old: &Field, new: &Field, found: &mut Vec<Change>) {
    found.extend(nested(at, old, new));
    // solution: begin — Part E: two fields of one number
    if old.kind != new.kind {
        found.push(change(at, Kind::Retyped { old: old.kind.to_string(), new: new.kind.to_string() }));
        return;
    }
    if old.name != new.name {
        found.push(change(at, Kind::Renamed { new: new.name.clone() }));
    }
    if default(old) != default(new) {
        found.push(change(at, Kind::Redefaulted { old: default(old), new: default(new) }));
    }
    if old.required != new.required {
        found.push(change(at, Kind::Required { now: new.required }));
    }
    // solution: end
}

/// A buffer in a vector of bytes: the bytes have one type, and what lies in them another.
fn nested(at: &str, old: &Field, new: &Field) -> Option<Change> {
    let (was, is) = (old.nested.as_ref()?, new.nested.as_ref()?);
    let of = |kind: &Type, nested: &str| format!("{kind} of {nested}");
    (was != is).then(|| change(at, Kind::Retyped { old: of(&old.kind, was), new: of(&new.kind, is) }))
}

/// What an absent field is, in words; of what has no default it is always the same.
fn default(of: &Field) -> String {
    match &of.kind {
        Type::Scalar(..) if of.optional => "null".to_string(),
        Type::Scalar(scalar, _) if scalar.is_float() => of.default.real.to_string(),
        Type::Scalar(..) => of.default.integer.to_string(),
        _ => "none".to_string(),
    }
}

/// Enums and unions: a number that somebody has written must mean the same.
fn enums(name: &str, old: &Enum, new: &Enum, found: &mut Vec<Change>) {
    if old.is_union != new.is_union {
        found.push(change(name, Kind::Gone));
        return;
    }
    if old.underlying != new.underlying {
        found.push(change(
            name,
            Kind::Retyped { old: old.underlying.to_string(), new: new.underlying.to_string() },
        ));
    }
    for (value, was) in &old.values {
        let at = format!("{name}.{}", was.name);
        let is = new.values.get(value);
        let elsewhere = new.values.iter().any(|(other, is)| other != value && is.name == was.name);
        let renumbered = Kind::Renumbered { value: *value, new: is.map(|is| is.name.clone()) };
        // solution: begin — Part E: what a number means
        match is {
            Some(is) if !elsewhere && is.member == was.member => {
                if is.name != was.name {
                    found.push(change(at, Kind::Renamed { new: is.name.clone() }));
                }
            }
            _ => found.push(change(at, renumbered)),
        }
        // solution: end
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        match &self.kind {
            Kind::Root { old, new } => {
                write!(f, "was {}, and is {}", old.escape_debug(), new.escape_debug())
            }
            Kind::Gone => f.write_str("is gone, or something else"),
            Kind::Removed { id } => {
                write!(
                    f,
                    "its number, {id}, is free: whatever takes it next is read in its place; deprecate it"
                )
            }
            Kind::Moved { old, new } => {
                write!(
                    f,
                    "had number {old}, and has {new}: put new fields at the end, or give every field an id"
                )
            }
            Kind::Retyped { old, new } => {
                write!(f, "was {old}, and is {new}: its bytes are read as something else")
            }
            Kind::Redefaulted { old, new } => {
                write!(f, "was {old} where it is absent, and is {new}: nobody has written either")
            }
            Kind::Required { now: true } => {
                f.write_str("is required: what was written without it is refused")
            }
            Kind::Required { now: false } => {
                f.write_str("was required: whoever still relies on it refuses what is written without it")
            }
            Kind::Restructured => {
                f.write_str("is a struct, and another one: make a new struct, or use a table")
            }
            Kind::Renumbered { value, new: Some(new) } => {
                write!(f, "had number {value}, which is {new} now: put new ones at the end")
            }
            Kind::Renumbered { value, new: None } => write!(f, "had number {value}, which means nothing now"),
            Kind::Renamed { new } => write!(f, "is called {new}: the same bytes, other JSON and sources"),
        }
    }
}
