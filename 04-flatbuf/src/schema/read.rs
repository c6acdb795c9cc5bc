//! A [`Schema`] read from a buffer: a file that somebody gives, and so looked at as a stranger's.

use super::generated as flat;
use super::{Enum, EnumValue, Field, Object, Scalar, Schema, Type, WhenAbsent};
use crate::limits::{Limits, Refusal, SMALLEST_TABLE};
use flatbuffers::{VerifierOptions, root_with_opts};

/// The identifier of schemas.
pub const IDENTIFIER: &str = flat::SCHEMA_IDENTIFIER;

/// The longest schema, in bytes.
pub const LONGEST: usize = 16 << 20;

/// What a schema of this length may cost: its parts refer to each other often.
fn options(length: usize) -> VerifierOptions {
    VerifierOptions {
        max_depth: 16,
        max_tables: length / SMALLEST_TABLE,
        max_apparent_size: length.saturating_mul(64),
        ignore_missing_null_terminator: false,
    }
}

/// The schema in a buffer that `flatc --binary --schema` has written.
///
/// # Errors
/// When it is none, or refers to what it does not have.
pub fn read(bytes: &[u8]) -> Result<Schema, Refusal> {
    Limits { longest: LONGEST, ..Limits::default() }.allow(bytes.len())?;
    let found = bytes.get(4..8).unwrap_or_default();
    if found != IDENTIFIER.as_bytes() {
        let found = format!("\"{}\"", found.escape_ascii());
        return Err(Refusal::Identifier { found, expected: IDENTIFIER });
    }
    let schema = root_with_opts::<flat::Schema<'_>>(&options(bytes.len()), bytes)
        .map_err(|why| Refusal::Invalid { length: bytes.len(), why })?;
    let objects = schema.objects().iter().map(|of| Ok((name(of.name())?, object(&schema, of)?)));
    let enums = schema.enums().iter().map(|of| Ok((name(of.name())?, enumeration(&schema, of)?)));
    let read = Schema {
        objects: objects.collect::<Result<_, Refusal>>()?,
        enums: enums.collect::<Result<_, Refusal>>()?,
        root: schema.root_table().map(|root| name(root.name())).transpose()?,
        identifier: schema.file_ident().filter(|ident| !ident.is_empty()).map(str::to_string),
    };
    match &read.root {
        Some(root) if read.objects.get(root).is_none_or(|of| of.is_struct) => {
            Err(Refusal::value("the root table", root, "one of the schema's tables"))
        }
        _ => Ok(read),
    }
}

/// A name, as schemas have them. Names are shown, so that nothing may stand in one that a terminal obeys.
fn name(text: &str) -> Result<String, Refusal> {
    let fits = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    if text.chars().all(fits) {
        return Ok(text.to_string());
    }
    Err(Refusal::value("a name", text.escape_debug(), "letters, digits, `_` and `.`"))
}

fn object(schema: &flat::Schema<'_>, of: flat::Object<'_>) -> Result<Object, Refusal> {
    let (size, align) = (usize::try_from(of.bytesize()), usize::try_from(of.minalign()));
    let (Ok(size), Ok(align @ 1..=256)) = (size, align) else {
        return Err(Refusal::value(
            "the size of an object",
            of.bytesize(),
            "a size, and an alignment up to 256",
        ));
    };
    let fields = of.fields().iter().map(|one| {
        let label = name(one.name())?;
        if one.offset64() || one.type_().base_type() == flat::BaseType::Vector64 {
            return Err(Refusal::value(
                "the field",
                label,
                "offsets of 32 bits: it has `offset64` or `vector64`",
            ));
        }
        let field = Field {
            name: label,
            kind: kind(schema, one.type_())?,
            offset: one.offset().into(),
            default: WhenAbsent { integer: one.default_integer(), real: one.default_real() },
            deprecated: one.deprecated(),
            required: one.required(),
            optional: one.optional(),
            nested: nested(schema, of, one)?,
        };
        Ok((one.id(), field))
    });
    Ok(Object { is_struct: of.is_struct(), size, align, fields: fields.collect::<Result<_, Refusal>>()? })
}

/// What the attribute `nested_flatbuffer` names: a table of the same namespace, or else of none.
fn nested(
    schema: &flat::Schema<'_>,
    of: flat::Object<'_>,
    field: flat::Field<'_>,
) -> Result<Option<String>, Refusal> {
    let attribute = field.attributes().into_iter().flatten().find(|one| one.key() == "nested_flatbuffer");
    let Some(short) = attribute.and_then(|one| one.value()) else { return Ok(None) };
    let short = name(short)?;
    let beside = of.name().rsplit_once('.').map(|(namespace, _)| format!("{namespace}.{short}"));
    let is_there = |full: &String| schema.objects().iter().any(|of| of.name() == full);
    Ok(Some(beside.filter(is_there).unwrap_or(short)))
}

fn enumeration(schema: &flat::Schema<'_>, of: flat::Enum<'_>) -> Result<Enum, Refusal> {
    let Type::Scalar(underlying, _) = kind(schema, of.underlying_type())? else {
        return Err(Refusal::value("the type of an enum", of.name().escape_debug(), "a number"));
    };
    let values = of.values().iter().map(|one| {
        let member = match one.union_type() {
            Some(of) if of.base_type() != flat::BaseType::None => Some(kind(schema, of)?),
            _ => None,
        };
        Ok((one.value(), EnumValue { name: name(one.name())?, member }))
    });
    Ok(Enum { is_union: of.is_union(), underlying, values: values.collect::<Result<_, Refusal>>()? })
}

/// A type. Others stand in it by their numbers, which must be there.
fn kind(schema: &flat::Schema<'_>, of: flat::Type<'_>) -> Result<Type, Refusal> {
    match of.base_type() {
        flat::BaseType::Vector => Ok(Type::Vector(Box::new(simple(schema, of.element(), of.index())?))),
        flat::BaseType::Array => {
            let element = simple(schema, of.element(), of.index())?;
            Ok(Type::Array(Box::new(element), of.fixed_length().into()))
        }
        base => simple(schema, base, of.index()),
    }
}

fn simple(schema: &flat::Schema<'_>, base: flat::BaseType, index: i32) -> Result<Type, Refusal> {
    let place = usize::try_from(index).ok();
    let enumeration =
        || place.filter(|at| *at < schema.enums().len()).map(|at| schema.enums().get(at).name());
    let object = || place.filter(|at| *at < schema.objects().len()).map(|at| schema.objects().get(at).name());
    let missing = |what| Refusal::value(what, index, "the number of one that the schema has");
    let scalar = match base {
        flat::BaseType::String => return Ok(Type::Text),
        flat::BaseType::Obj => {
            return Ok(Type::Object(name(object().ok_or_else(|| missing("the table of a field"))?)?));
        }
        flat::BaseType::Union => {
            return Ok(Type::Union(name(enumeration().ok_or_else(|| missing("the union of a field"))?)?));
        }
        flat::BaseType::Bool => Scalar::Bool,
        flat::BaseType::Byte => Scalar::I8,
        flat::BaseType::UType | flat::BaseType::UByte => Scalar::U8,
        flat::BaseType::Short => Scalar::I16,
        flat::BaseType::UShort => Scalar::U16,
        flat::BaseType::Int => Scalar::I32,
        flat::BaseType::UInt => Scalar::U32,
        flat::BaseType::Long => Scalar::I64,
        flat::BaseType::ULong => Scalar::U64,
        flat::BaseType::Float => Scalar::F32,
        flat::BaseType::Double => Scalar::F64,
        other => return Err(Refusal::value("the type of a field", other.0, "one that this program knows")),
    };
    match (index, enumeration()) {
        (-1, _) => Ok(Type::Scalar(scalar, None)),
        (_, Some(of)) => Ok(Type::Scalar(scalar, Some(name(of)?))),
        (_, None) => Err(missing("the enum of a field")),
    }
}
