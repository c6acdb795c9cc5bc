//! A schema as a value: what `flatc --binary --schema` says of it.
//!
//! A schema is a FlatBuffer, too; its own schema, `reflection.fbs`, comes with flatc, and its accessors with
//! the crate `flatbuffers-reflection`. [`read`](mod@read) makes a [`Schema`] of such a buffer. What stands in
//! it refers to other parts by number, and the verifier does not know that; here everything refers by name, and every name is there.

pub mod read;

use std::collections::BTreeMap;
use std::fmt;

pub use flatbuffers_reflection::reflection as generated;

/// A schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Tables and structs by name, namespace included.
    pub objects: BTreeMap<String, Object>,
    /// Enums and unions by name.
    pub enums: BTreeMap<String, Enum>,
    /// The name of the root table.
    pub root: Option<String>,
    /// The four bytes that buffers of it carry, if any.
    pub identifier: Option<String>,
}

/// A table or a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Whether it is a struct: its fields have fixed places.
    pub is_struct: bool,
    /// How many bytes a struct takes; 0 for a table.
    pub size: usize,
    /// What a struct is aligned to.
    pub align: usize,
    /// The fields by number: in a table the place in the vtable, in a struct the order.
    pub fields: BTreeMap<u16, Field>,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name: it is not in any buffer.
    pub name: String,
    /// What it is.
    pub kind: Type,
    /// In a struct: where it is.
    pub offset: usize,
    /// What it is when it is absent.
    pub default: WhenAbsent,
    /// Nobody writes it, and accessors do not have it.
    pub deprecated: bool,
    /// Who reads may rely on it.
    pub required: bool,
    /// Who reads is told whether it was there.
    pub optional: bool,
    /// The root table of the buffer that lies in a vector of bytes, where the schema says so. `flatc` leaves it out without `--bfbs-builtins`.
    pub nested: Option<String>,
}

/// What a field is when it is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WhenAbsent {
    /// Of whole numbers, bools and enums.
    pub integer: i64,
    /// Of floats.
    pub real: f64,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number, and the enum whose value it is, if it is one. A union's type, which member it is, is such a number, too.
    Scalar(Scalar, Option<String>),
    /// A string.
    Text,
    /// A table, by an offset; or a struct, where it stands.
    Object(String),
    /// A union's value, by an offset.
    Union(String),
    /// A vector, by an offset.
    Vector(Box<Type>),
    /// So many of them, where they stand: in structs.
    Array(Box<Type>, usize),
}

/// Numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Scalar {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Scalar {
    /// How many bytes it takes, and what it is aligned to.
    pub fn size(self) -> usize {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    /// Whether its default is a float.
    pub fn is_float(self) -> bool {
        matches!(self, Scalar::F32 | Scalar::F64)
    }

    /// What its bytes say; `bytes` are as many as its size.
    pub fn show(self, bytes: &[u8]) -> String {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let number = u64::from_le_bytes(wide);
        match self {
            Scalar::Bool => (number != 0).to_string(),
            Scalar::I8 => (number as i8).to_string(),
            Scalar::I16 => (number as i16).to_string(),
            Scalar::I32 => (number as i32).to_string(),
            Scalar::I64 => (number as i64).to_string(),
            Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => number.to_string(),
            Scalar::F32 => f32::from_bits(number as u32).to_string(),
            Scalar::F64 => f64::from_bits(number).to_string(),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scalar::Bool => "bool",
            Scalar::I8 => "int8",
            Scalar::U8 => "uint8",
            Scalar::I16 => "int16",
            Scalar::U16 => "uint16",
            Scalar::I32 => "int32",
            Scalar::U32 => "uint32",
            Scalar::I64 => "int64",
            Scalar::U64 => "uint64",
            Scalar::F32 => "float",
            Scalar::F64 => "double",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Scalar(scalar, None) => scalar.fmt(f),
            Type::Scalar(_, Some(name)) | Type::Object(name) | Type::Union(name) => f.write_str(name),
            Type::Text => f.write_str("string"),
            Type::Vector(of) => write!(f, "[{of}]"),
            Type::Array(of, length) => write!(f, "[{of}:{length}]"),
        }
    }
}

/// An enum, or a union: which number means what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Whether it is a union.
    pub is_union: bool,
    /// The number that it is in a buffer.
    pub underlying: Scalar,
    /// Names by number.
    pub values: BTreeMap<i64, EnumValue>,
}

/// A value of an enum, or a member of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// Its name: it is not in any buffer.
    pub name: String,
    /// What a union's member is.
    pub member: Option<Type>,
}
