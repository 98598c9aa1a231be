//! What a description file declares.

use crate::Position;

/// One description file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its declarations, in order.
    pub declarations: Vec<Declaration>,
}

impl File {
    /// Writes the file's number into all its positions, so that they stay apart from those of others.
    pub fn number(&mut self, number: u32) {
        for declaration in &mut self.declarations {
            declaration.at.file = number;
            match &mut declaration.kind {
                Kind::Include | Kind::IncludeDirectory | Kind::Define => {}
                Kind::Meta(one) | Kind::Alias(_, one) => one.number(number),
                Kind::Resource(base, values) => {
                    base.number(number);
                    each(values, number);
                }
                Kind::Flags(values) => each(values, number),
                Kind::Call(call) => {
                    fields(&mut call.arguments, number);
                    call.result.iter_mut().for_each(|one| one.number(number));
                    each(&mut call.attributes, number);
                }
                Kind::Template(_, body) | Kind::Body(body) => {
                    fields(&mut body.fields, number);
                    each(&mut body.attributes, number);
                }
            }
        }
    }
}

fn each(list: &mut [Expression], number: u32) {
    list.iter_mut().for_each(|one| one.number(number));
}

fn fields(list: &mut [Field], number: u32) {
    for field in list {
        field.at.file = number;
        field.kind.number(number);
        each(&mut field.attributes, number);
    }
}

/// One declaration and where its name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Where it begins.
    pub at: Position,
    /// Its name; of `include`, `incdir` and `define` the rest of the line.
    pub name: String,
    /// What it declares.
    pub kind: Kind,
}

/// What is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `include <file>`: a header from which constants are read.
    Include,
    /// `incdir <directory>`: where headers are looked for.
    IncludeDirectory,
    /// `define NAME value`: a constant of one's own.
    Define,
    /// `meta …`: about the whole file.
    Meta(Expression),
    /// `resource name[base]: special values`.
    Resource(Expression, Vec<Expression>),
    /// `type name type`, with parameters if it is a template.
    Alias(Vec<String>, Expression),
    /// `type name[PARAMETERS]` with a body.
    Template(Vec<String>, Body),
    /// `name = values`.
    Flags(Vec<Expression>),
    /// `name(arguments) result (attributes)`.
    Call(Call),
    /// `name { … }` or `name [ … ]`.
    Body(Body),
}

/// A system call or one of its variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// At most nine.
    pub arguments: Vec<Field>,
    /// The resource that it returns.
    pub result: Option<Expression>,
    /// Attributes behind the call.
    pub attributes: Vec<Expression>,
}

impl Call {
    /// The kernel's name of a call: what stands before `$`.
    #[must_use]
    pub fn kernel_name(name: &str) -> &str {
        name.split('$').next().unwrap_or(name)
    }
}

/// A struct or a union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// A union (`[ … ]`), not a struct (`{ … }`).
    pub union: bool,
    /// Fields or options, at least one.
    pub fields: Vec<Field>,
    /// Attributes behind the closing bracket.
    pub attributes: Vec<Expression>,
}

/// A field of a struct, an option of a union, or an argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Where its name stands.
    pub at: Position,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Expression,
    /// Attributes in round brackets.
    pub attributes: Vec<Expression>,
}

/// A type, an option of a type, an attribute or a value: they look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// Where it begins.
    pub at: Position,
    /// Its head.
    pub value: Value,
    /// What stands in its square brackets.
    pub options: Vec<Expression>,
    /// What follows behind colons: a range's end, a path's steps, a bitfield's width.
    pub colon: Vec<Expression>,
}

impl Expression {
    fn number(&mut self, number: u32) {
        self.at.file = number;
        each(&mut self.options, number);
        each(&mut self.colon, number);
        if let Value::Binary(_, sides) = &mut self.value {
            sides.0.number(number);
            sides.1.number(number);
        }
    }

    /// The name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.value {
            Value::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// The head of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A name of anything.
    Name(String),
    /// A number or character; negative ones wrap.
    Number(u64),
    /// Text in double quotes.
    Text(String),
    /// Bytes in back quotes.
    Bytes(Vec<u8>),
    /// Two expressions and the operator between them: `&`, `==`, `!=` or `||`.
    Binary(&'static str, Box<(Expression, Expression)>),
}
