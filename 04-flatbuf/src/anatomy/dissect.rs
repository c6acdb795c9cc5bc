//! A walk over a buffer by its schema. Pure, and bounded: nothing is visited twice.

use super::{Anatomy, Span};
use crate::schema::{Enum, Object, Scalar, Schema, Type};
use crate::wire::buffer::Buffer;
use crate::wire::malformed::Malformed;
use crate::wire::table::Table;
use std::collections::BTreeSet;

/// How deep tables are followed.
const DEEPEST: usize = 64;
/// How many notes are made at most: a hostile buffer may be followed in more ways than anybody wants to read.
const MOST_SPANS: usize = 100_000;
/// How many values are looked at at most: a schema may be hostile as well, and have a struct of itself.
const MOST_STEPS: usize = 200_000;
/// How many numbers of a vector are shown.
const MOST_NUMBERS: usize = 16;

/// What each byte of `bytes` is, if they are a buffer of this schema.
pub fn dissect(schema: &Schema, bytes: &[u8]) -> Anatomy {
    let mut walk = Walk {
        schema,
        buffer: Buffer(bytes),
        seen: BTreeSet::new(),
        steps: 0,
        is_cut: false,
        found: Anatomy::default(),
    };
    let walked = walk.root();
    walk.note_trouble("the root", walked);
    if walk.is_cut {
        let text = format!(
            "too much to follow: {MOST_SPANS} notes, {MOST_STEPS} values and {DEEPEST} tables in each other are shown at most"
        );
        walk.found.trouble.push(text);
    }
    walk.found.spans.sort_by_key(|span| (span.at, span.length));
    walk.found
}

struct Walk<'a> {
    schema: &'a Schema,
    buffer: Buffer<'a>,
    /// What has been visited: where, and as what.
    seen: BTreeSet<(usize, String)>,
    steps: usize,
    /// Whether there was too much to follow all of it.
    is_cut: bool,
    found: Anatomy,
}

impl Walk<'_> {
    fn note(&mut self, at: usize, length: usize, text: impl Into<String>) {
        self.found.spans.push(Span { at, length, text: text.into() });
    }

    fn note_trouble(&mut self, what: &str, walked: Result<(), Malformed>) {
        if let Err(why) = walked {
            self.found.trouble.push(format!("{what}: {why}"));
        }
    }

    /// Whether this is the first visit.
    fn is_new(&mut self, at: usize, what: &str) -> bool {
        self.seen.insert((at, what.to_string()))
    }

    /// Whether there is room for what is found so deep.
    fn has_room(&mut self, depth: usize) -> bool {
        let has_room = depth > 0 && self.found.spans.len() < MOST_SPANS && self.steps < MOST_STEPS;
        self.is_cut |= !has_room;
        has_room
    }

    fn root(&mut self) -> Result<(), Malformed> {
        let at = self.buffer.follow(0, "the offset of the root table")?;
        self.note(0, 4, format!("the root table is at {at}"));
        if let Some(expected) = &self.schema.identifier {
            let found = self.buffer.slice(4, 4, "the identifier")?;
            let word = if found == expected.as_bytes() { "" } else { ", which is another schema's" };
            self.note(4, 4, format!("identifier \"{}\"{word}", found.escape_ascii()));
        }
        match &self.schema.root {
            Some(root) => self.table(root, at, DEEPEST),
            None => Ok(()),
        }
    }

    fn table(&mut self, name: &str, at: usize, depth: usize) -> Result<(), Malformed> {
        if !self.has_room(depth) || !self.is_new(at, name) {
            return Ok(());
        }
        let Some(object) = self.schema.objects.get(name) else { return Ok(()) };
        let table = Table::new(self.buffer, at)?;
        let short = short(name);
        let way = if table.vtable <= at { "back" } else { "further on" };
        self.note(
            at,
            4,
            format!("{short}: its vtable is {} bytes {way}, at {}", at.abs_diff(table.vtable), table.vtable),
        );
        self.vtable(short, object, &table)?;
        for (id, field) in &object.fields {
            let Some(place) = table.field(*id)? else { continue };
            let label = format!("  {}", field.name);
            // Which member a union is, or each of a vector of unions, stands in the field before it.
            let before = id.checked_sub(1).map(|id| table.field(id)).transpose()?.flatten();
            let walked = match &field.kind {
                Type::Vector(of) if matches!(**of, Type::Union(_)) => {
                    self.unions(&label, of, place, before, depth)
                }
                kind => self.value(&label, kind, place, before, depth),
            };
            self.note_trouble(&format!("{short}.{}", field.name), walked);
        }
        Ok(())
    }

    fn vtable(&mut self, name: &str, object: &Object, table: &Table<'_>) -> Result<(), Malformed> {
        let (at, length) = (table.vtable, table.vtable_length);
        if !self.is_new(at, "a vtable") {
            return Ok(());
        }
        self.note(at, 2, format!("vtable of {name}: {length} bytes"));
        if length >= 4 {
            let size = self.buffer.u16(at + 2, "the size of a table")?;
            self.note(at + 2, 2, format!("  the table has {size}"));
        }
        for slot in (4..length).step_by(2) {
            let id = ((slot - 4) / 2) as u16;
            let field = match object.fields.get(&id) {
                Some(field) => format!("  field {id}, {}", field.name),
                None => format!("  field {id}, not in this schema"),
            };
            let text = match self.buffer.u16(at + slot, "the place of a field")? {
                0 => format!("{field}: absent"),
                place => format!("{field}: {place} bytes into the table"),
            };
            self.note(at + slot, 2, text);
        }
        Ok(())
    }

    /// A value of this type at `at`. `member` is where the number of a union's member stands; nothing else looks at it.
    fn value(
        &mut self,
        label: &str,
        kind: &Type,
        at: usize,
        member: Option<usize>,
        depth: usize,
    ) -> Result<(), Malformed> {
        if !self.has_room(depth) {
            return Ok(());
        }
        self.steps += 1;
        match kind {
            Type::Scalar(scalar, of) => {
                let bytes = self.buffer.slice(at, scalar.size(), "a number")?;
                let shown = scalar.show(bytes);
                let meaning = of.as_ref().and_then(|of| self.meaning(of, *scalar, bytes));
                self.note(at, scalar.size(), format!("{label} = {shown}{}", meaning.unwrap_or_default()));
                Ok(())
            }
            Type::Object(name) => match self.schema.objects.get(name) {
                Some(object) if object.is_struct => self.structure(label, object, at, depth),
                _ => {
                    let to = self.offset(label, at)?;
                    self.table(name, to, depth - 1)
                }
            },
            Type::Text => {
                let to = self.offset(label, at)?;
                self.text(to)
            }
            Type::Vector(of) => {
                let to = self.offset(label, at)?;
                self.vector(label, of, to, None, depth)
            }
            Type::Union(name) => self.union(label, name, at, member, depth),
            Type::Array(of, length) => {
                for index in 0..*length {
                    let at = at + index * self.size(of);
                    self.value(&format!("{label}[{index}]"), of, at, None, depth)?;
                }
                Ok(())
            }
        }
    }

    /// A union's value at `at`: an offset to a table, a struct or a string, as the number at `member` says.
    fn union(
        &mut self,
        label: &str,
        name: &str,
        at: usize,
        member: Option<usize>,
        depth: usize,
    ) -> Result<(), Malformed> {
        let number = match member {
            Some(at) => self.buffer.slice(at, 1, "the member of a union")?[0],
            None => 0,
        };
        if number == 0 && self.buffer.u32(at, "an offset")? == 0 {
            self.note(at, 4, format!("{label}: none"));
            return Ok(());
        }
        let to = self.offset(label, at)?;
        let schema = self.schema;
        let of = schema.enums.get(name).and_then(|of| of.values.get(&i64::from(number)));
        match of.and_then(|of| of.member.as_ref()) {
            Some(Type::Object(name)) => match schema.objects.get(name) {
                Some(object) if object.is_struct => {
                    self.structure(&format!("  {}", short(name)), object, to, depth)
                }
                _ => self.table(name, to, depth - 1),
            },
            Some(Type::Text) => self.text(to),
            _ => {
                self.found.trouble.push(format!("{}: member {number} is not in this schema", label.trim()));
                Ok(())
            }
        }
    }

    /// A vector of unions; the offset at `members` leads to the vector of their members' numbers.
    fn unions(
        &mut self,
        label: &str,
        of: &Type,
        at: usize,
        members: Option<usize>,
        depth: usize,
    ) -> Result<(), Malformed> {
        let to = self.offset(label, at)?;
        let members = members.map(|at| self.buffer.follow(at, "the members of a vector")).transpose()?;
        self.vector(label, of, to, members, depth)
    }

    /// The offset at `at`: where it leads.
    fn offset(&mut self, label: &str, at: usize) -> Result<usize, Malformed> {
        let to = self.buffer.follow(at, "an offset")?;
        self.note(at, 4, format!("{label}: {} bytes further on, at {to}", to - at));
        Ok(to)
    }

    fn structure(&mut self, label: &str, object: &Object, at: usize, depth: usize) -> Result<(), Malformed> {
        for field in object.fields.values() {
            self.value(&format!("{label}.{}", field.name), &field.kind, at + field.offset, None, depth - 1)?;
        }
        Ok(())
    }

    fn text(&mut self, at: usize) -> Result<(), Malformed> {
        if !self.is_new(at, "a string") {
            return Ok(());
        }
        let text = self.buffer.text(at, "a string")?;
        self.note(at, 4, format!("string of {} bytes", text.len()));
        if !text.is_empty() {
            self.note(at + 4, text.len(), format!("  {text:?}"));
        }
        self.note(at + 4 + text.len(), 1, "  its zero");
        Ok(())
    }

    /// A vector. Where it is one of unions, `members` is the vector of their members' numbers.
    fn vector(
        &mut self,
        label: &str,
        of: &Type,
        at: usize,
        members: Option<usize>,
        depth: usize,
    ) -> Result<(), Malformed> {
        if !self.is_new(at, &format!("a vector of {of}")) {
            return Ok(());
        }
        let count = self.buffer.u32(at, "a vector")? as usize;
        self.note(at, 4, format!("vector of {count}"));
        let size = self.size(of);
        let bytes = self.buffer.slice(at + 4, count.saturating_mul(size), "a vector")?;
        if let Type::Scalar(scalar, _) = of {
            let mut shown: Vec<String> =
                bytes.chunks_exact(size).take(MOST_NUMBERS).map(|one| scalar.show(one)).collect();
            if count > MOST_NUMBERS {
                shown.push("…".to_string());
            }
            if count > 0 {
                self.note(at + 4, bytes.len(), format!("  {}", shown.join(", ")));
            }
            return Ok(());
        }
        let numbers = match members {
            Some(at) => self.buffer.u32(at, "the members of a vector")? as usize,
            None => 0,
        };
        for index in 0..count {
            if !self.has_room(depth) {
                break;
            }
            let label = format!("{label}[{index}]");
            let member = members.filter(|_| index < numbers).map(|at| at + 4 + index);
            let walked = self.value(&label, of, at + 4 + index * size, member, depth);
            self.note_trouble(label.trim(), walked);
        }
        Ok(())
    }

    /// How many bytes a value takes where it stands.
    fn size(&self, of: &Type) -> usize {
        match of {
            Type::Scalar(scalar, _) => scalar.size(),
            Type::Object(name) => {
                self.schema.objects.get(name).filter(|of| of.is_struct).map_or(4, |of| of.size.max(1))
            }
            Type::Array(of, length) => self.size(of) * length,
            Type::Text | Type::Union(_) | Type::Vector(_) => 4,
        }
    }

    /// What a value of an enum means.
    fn meaning(&self, name: &str, scalar: Scalar, bytes: &[u8]) -> Option<String> {
        let of: &Enum = self.schema.enums.get(name)?;
        let number: i64 = scalar.show(bytes).parse().ok()?;
        Some(match of.values.get(&number) {
            Some(value) => format!(" ({})", value.name),
            None => format!(" (not in {})", short(name)),
        })
    }
}

/// A name without its namespace.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
