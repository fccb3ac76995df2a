//! The functions of a component and their types, as static data that is used where it lies.
//!
//! All is made of words of 32 bits. A text is the place of its bytes and their number. A type is the
//! place of its words: its kind, size, alignment and number of flat values, and then what the kind
//! needs. A type occurs once, however many types use it.

use crate::MAX_FLAT;

/// What a type is. `Enum` is a variant, too, and so are the results within other types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    /// The type of its elements.
    List,
    /// Fields: name, type, offset.
    Record,
    /// The same without names.
    Tuple,
    /// The offset of the payloads. Cases: name, type or zero.
    Variant,
    /// The same, with the cases `ok` and `err`.
    Result,
    /// The offset of the payload, its type, and whether `null` is one of its values.
    Option,
    /// Names.
    Flags,
}

impl Kind {
    const ALL: [Kind; 20] = [
        Kind::Bool,
        Kind::U8,
        Kind::U16,
        Kind::U32,
        Kind::U64,
        Kind::S8,
        Kind::S16,
        Kind::S32,
        Kind::S64,
        Kind::F32,
        Kind::F64,
        Kind::Char,
        Kind::String,
        Kind::List,
        Kind::Record,
        Kind::Tuple,
        Kind::Variant,
        Kind::Result,
        Kind::Option,
        Kind::Flags,
    ];
}

/// The layout of a type.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub kind: Kind,
    pub size: u32,
    pub align: u32,
    /// How many flat values it has; more than `MAX_FLAT` count as one more.
    pub flat: u32,
}

/// A field, or a case, whose offset is that of the payloads.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub name: &'a str,
    /// None for a case without a payload.
    pub ty: Option<u32>,
    pub offset: u32,
}

/// A function as a tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub input_schema: &'a str,
    /// Empty: none.
    pub output_schema: &'a str,
    /// A record.
    pub params: u32,
    pub result: Option<u32>,
}

const TOOL_WORDS: u32 = 10;
const SHAPE_WORDS: u32 = 4;

#[derive(Clone, Copy)]
pub struct Table<'a>(pub &'a [u8]);

impl<'a> Table<'a> {
    fn word(&self, at: u32) -> u32 {
        let at = at as usize * 4;
        let word = self.0.get(at..at + 4).and_then(<[u8]>::first_chunk::<4>);
        word.copied().map_or(0, u32::from_le_bytes)
    }

    fn text(&self, at: u32) -> &'a str {
        let (start, length) = (self.word(at) as usize, self.word(at + 1) as usize);
        let text = self.0.get(start..start + length).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// A type, or none for zero, where the table itself begins.
    fn ty(&self, at: u32) -> Option<u32> {
        Some(self.word(at)).filter(|ty| *ty != 0)
    }

    pub fn tools(&self) -> impl Iterator<Item = Tool<'a>> + use<'a> {
        let table = *self;
        (0..table.word(0)).map(move |index| {
            let at = 1 + index * TOOL_WORDS;
            Tool {
                name: table.text(at),
                description: table.text(at + 2),
                input_schema: table.text(at + 4),
                output_schema: table.text(at + 6),
                params: table.word(at + 8),
                result: table.ty(at + 9),
            }
        })
    }

    pub fn shape(&self, ty: u32) -> Shape {
        Shape {
            kind: Kind::ALL[self.word(ty) as usize],
            size: self.word(ty + 1),
            align: self.word(ty + 2),
            flat: self.word(ty + 3),
        }
    }

    /// Whether a call passes the parameters without memory.
    pub fn is_flat(&self, params: u32) -> bool {
        self.shape(params).flat as usize <= MAX_FLAT
    }

    /// The type of the elements of a list.
    pub fn element(&self, ty: u32) -> u32 {
        self.word(ty + SHAPE_WORDS)
    }

    /// The payload of an option, and whether `null` is one of its values.
    pub fn payload(&self, ty: u32) -> (Item<'a>, bool) {
        let at = ty + SHAPE_WORDS;
        let some = Item {
            name: "some",
            ty: self.ty(at + 1),
            offset: self.word(at),
        };
        (some, self.word(at + 2) == 1)
    }

    /// The fields of a record or a tuple, the cases of a variant or a result, or the names of flags.
    pub fn items(&self, shape: Shape, ty: u32) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let (table, at) = (*self, ty + SHAPE_WORDS);
        let (first, words, payloads) = match shape.kind {
            Kind::Record | Kind::Tuple => (at + 1, 4, None),
            Kind::Variant | Kind::Result => (at + 2, 3, Some(table.word(at + 1))),
            _ => (at + 1, 2, Some(0)),
        };
        (0..table.word(at)).map(move |index| {
            let at = first + index * words;
            Item {
                name: table.text(at),
                ty: (words > 2).then(|| table.ty(at + 2)).flatten(),
                offset: payloads.unwrap_or_else(|| table.word(at + 3)),
            }
        })
    }

    /// The bytes of the number that says which case a variant, result or option has.
    pub fn discriminant(&self, shape: Shape, ty: u32) -> u32 {
        match shape.kind {
            Kind::Option => 1,
            _ => match self.word(ty + SHAPE_WORDS) {
                0..=0x100 => 1,
                0x101..=0x1_0000 => 2,
                _ => 4,
            },
        }
    }
}

/// What a type holds, for [`Writer::add`].
pub enum Content<'a> {
    Scalar,
    List(u32),
    Option {
        offset: u32,
        payload: u32,
        nullable: bool,
    },
    /// With the offset of their payloads.
    Cases(u32, Vec<(&'a str, Option<u32>)>),
    /// With their offsets.
    Fields(Vec<(&'a str, u32, u32)>),
    Flags(Vec<&'a str>),
}

/// Makes a table.
pub struct Writer {
    words: Vec<u32>,
    texts: Vec<u8>,
    /// The words that are the place of a text.
    places: Vec<usize>,
}

impl Writer {
    /// The table of so many tools, each of which is added with `tool`.
    pub fn new(tools: u32) -> Writer {
        let mut words = vec![0; (1 + tools * TOOL_WORDS) as usize];
        words[0] = tools;
        Writer {
            words,
            texts: Vec::new(),
            places: Vec::new(),
        }
    }

    fn text(&mut self, at: usize, text: &str) {
        self.words[at] = self.texts.len() as u32;
        self.words[at + 1] = text.len() as u32;
        self.places.push(at);
        self.texts.extend_from_slice(text.as_bytes());
    }

    fn push_text(&mut self, text: &str) {
        let at = self.words.len();
        self.words.extend([0, 0]);
        self.text(at, text);
    }

    pub fn tool(&mut self, index: u32, tool: &Tool<'_>) {
        let at = (1 + index * TOOL_WORDS) as usize;
        self.text(at, tool.name);
        self.text(at + 2, tool.description);
        self.text(at + 4, tool.input_schema);
        self.text(at + 6, tool.output_schema);
        self.words[at + 8] = tool.params;
        self.words[at + 9] = tool.result.unwrap_or(0);
    }

    /// Adds a type, and returns its place.
    pub fn add(&mut self, shape: Shape, content: &Content<'_>) -> u32 {
        let ty = self.words.len() as u32;
        let Shape {
            kind,
            size,
            align,
            flat,
        } = shape;
        self.words.extend([kind as u32, size, align, flat]);
        match content {
            Content::Scalar => {}
            Content::List(element) => self.words.push(*element),
            Content::Option {
                offset,
                payload,
                nullable,
            } => self.words.extend([*offset, *payload, u32::from(*nullable)]),
            Content::Cases(offset, cases) => {
                self.words.extend([cases.len() as u32, *offset]);
                for (name, ty) in cases {
                    self.push_text(name);
                    self.words.push(ty.unwrap_or(0));
                }
            }
            Content::Fields(fields) => {
                self.words.push(fields.len() as u32);
                for (name, ty, offset) in fields {
                    self.push_text(name);
                    self.words.extend([*ty, *offset]);
                }
            }
            Content::Flags(names) => {
                self.words.push(names.len() as u32);
                names.iter().for_each(|name| self.push_text(name));
            }
        }
        ty
    }

    pub fn finish(mut self) -> Vec<u8> {
        let start = self.words.len() as u32 * 4;
        for at in self.places {
            self.words[at] += start;
        }
        let words = self.words.into_iter().flat_map(u32::to_le_bytes);
        words.chain(self.texts).collect()
    }
}
