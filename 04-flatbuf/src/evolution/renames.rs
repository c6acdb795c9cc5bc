//! Tables, structs, enums and unions that have another name, and nothing else. Pure.
//!
//! No name is in any buffer. So what stands at the same place, under a name that is gone in the one schema and new in the other, is the same
//! thing if its bytes are: the field of the same number has it, or the union's member of the same number.

use crate::schema::{Enum, Object, Schema, Type};
use std::collections::{BTreeMap, BTreeSet};

/// The new names by the old.
pub fn renames(old: &Schema, new: &Schema) -> BTreeMap<String, String> {
    let mut walk = Walk { old, new, seen: BTreeSet::new(), found: BTreeMap::new() };
    if let (Some(was), Some(is)) = (&old.root, &new.root) {
        walk.pair(was, is);
    }
    for name in old.objects.keys().chain(old.enums.keys()) {
        walk.pair(name, name);
    }
    walk.found
}

/// The schema `new`, where everything that is called otherwise has its old name.
pub fn with_old_names(new: &Schema, renames: &BTreeMap<String, String>) -> Schema {
    let olds: BTreeMap<&str, &str> = renames.iter().map(|(was, is)| (is.as_str(), was.as_str())).collect();
    let name = |is: &String| olds.get(is.as_str()).map_or_else(|| is.clone(), |was| was.to_string());
    let mut objects: BTreeMap<String, Object> =
        new.objects.iter().map(|(is, of)| (name(is), of.clone())).collect();
    for field in objects.values_mut().flat_map(|of| of.fields.values_mut()) {
        field.kind = named(&field.kind, &name);
        field.nested = field.nested.as_ref().map(name);
    }
    let mut enums: BTreeMap<String, Enum> = new.enums.iter().map(|(is, of)| (name(is), of.clone())).collect();
    for value in enums.values_mut().flat_map(|of| of.values.values_mut()) {
        value.member = value.member.as_ref().map(|member| named(member, &name));
    }
    Schema { objects, enums, root: new.root.as_ref().map(name), identifier: new.identifier.clone() }
}

/// The same type, whose names are given anew.
fn named(kind: &Type, name: &impl Fn(&String) -> String) -> Type {
    match kind {
        Type::Scalar(scalar, of) => Type::Scalar(*scalar, of.as_ref().map(name)),
        Type::Text => Type::Text,
        Type::Object(of) => Type::Object(name(of)),
        Type::Union(of) => Type::Union(name(of)),
        Type::Vector(of) => Type::Vector(Box::new(named(of, name))),
        Type::Array(of, length) => Type::Array(Box::new(named(of, name)), *length),
    }
}

/// A walk over two schemas at once, from place to place.
struct Walk<'a> {
    old: &'a Schema,
    new: &'a Schema,
    seen: BTreeSet<(&'a str, &'a str)>,
    found: BTreeMap<String, String>,
}

impl<'a> Walk<'a> {
    /// Two that stand at the same place.
    fn pair(&mut self, was: &'a str, is: &'a str) {
        if !self.seen.insert((was, is)) || !self.is_same(was, is) {
            return;
        }
        if was != is {
            self.found.insert(was.to_string(), is.to_string());
        }
        let (old, new) = (self.old, self.new);
        if let (Some(old), Some(new)) = (old.objects.get(was), new.objects.get(is)) {
            for (was, is) in old.fields.iter().filter_map(|(id, was)| Some((was, new.fields.get(id)?))) {
                self.types(&was.kind, &is.kind);
                if let (Some(was), Some(is)) = (&was.nested, &is.nested) {
                    self.pair(was, is);
                }
            }
        }
        if let (Some(old), Some(new)) = (old.enums.get(was), new.enums.get(is)) {
            let members = old.values.iter().filter_map(|(number, was)| Some((was, new.values.get(number)?)));
            for (was, is) in members {
                if let (Some(was), Some(is)) = (&was.member, &is.member) {
                    self.types(was, is);
                }
            }
        }
    }

    fn types(&mut self, was: &'a Type, is: &'a Type) {
        match (was, is) {
            (Type::Scalar(_, Some(was)), Type::Scalar(_, Some(is)))
            | (Type::Object(was), Type::Object(is))
            | (Type::Union(was), Type::Union(is)) => self.pair(was, is),
            (Type::Vector(was), Type::Vector(is)) | (Type::Array(was, _), Type::Array(is, _)) => {
                self.types(was, is);
            }
            _ => {}
        }
    }

    /// Whether these are one thing: either has its name, or its name is nobody else's and its bytes are alike.
    fn is_same(&self, was: &str, is: &str) -> bool {
        if was == is {
            return true;
        }
        let has =
            |schema: &Schema, name| schema.objects.contains_key(name) || schema.enums.contains_key(name);
        let is_taken = has(self.new, was)
            || has(self.old, is)
            || self.found.contains_key(was)
            || self.found.values().any(|other| other == is);
        !is_taken && self.is_alike(was, is)
    }

    fn is_alike(&self, was: &str, is: &str) -> bool {
        if let (Some(was), Some(is)) = (self.old.objects.get(was), self.new.objects.get(is)) {
            let mut both = was.fields.iter().filter_map(|(id, was)| Some((was, is.fields.get(id)?)));
            return (was.is_struct, was.size, was.align) == (is.is_struct, is.size, is.align)
                && both.all(|(was, is)| named(&was.kind, &nameless) == named(&is.kind, &nameless));
        }
        match (self.old.enums.get(was), self.new.enums.get(is)) {
            (Some(was), Some(is)) => (was.is_union, was.underlying) == (is.is_union, is.underlying),
            _ => false,
        }
    }
}

fn nameless(_: &String) -> String {
    String::new()
}
