//! Integers, constants, flags, lengths, numbers of processes, checksums.

use parse_syzlang::{Expression, Kind as Declared, Value};

use super::compiler::{Compiler, Place, int_type};
use crate::descriptions::text;
use crate::types::{Checksum, Format, Kind, Number, Range, TypeId};

/// Processes that must find room in the numbers of a `proc`.
const PROCESSES: u64 = 32;

/// A value fits as an unsigned or as a signed number.
fn fits(value: u64, number: Number) -> bool {
    let mask = number.mask();
    value <= mask || (value | mask >> 1) == u64::MAX
}

/// A value fits as a signed number.
fn fits_signed(value: u64, number: Number) -> bool {
    let half = number.mask() >> 1;
    value <= half || (value | half) == u64::MAX
}

impl Compiler<'_> {
    /// `intN`, with a range, flags or a value.
    pub(super) fn integer(
        &mut self,
        written: &Expression,
        options: &[Expression],
        place: Place,
        number: Number,
        shown: &str,
    ) -> TypeId {
        let number = self.bitfield(written, place, number);
        let (first, align) = match options {
            [] => return self.number_type(shown, number, |number| Kind::Int(number, None)),
            [first] => (first, None),
            [first, align] => (first, Some(align)),
            _ => {
                self.wrong(
                    written.at,
                    "an integer with too many options",
                    "write int32[low:high, align]",
                );
                return self.dummy();
            }
        };
        if first.colon.is_empty() && align.is_none() {
            return match first.name() {
                Some(name) if self.all.flags(name).is_some() => {
                    let values = self.flag_values(first);
                    self.flags_type(shown, number, values)
                }
                _ => self.constant(first, number, shown),
            };
        }
        let [high] = first.colon.as_slice() else {
            self.wrong(first.at, format!("`{}` is no range", text(first)), "write low:high");
            return self.dummy();
        };
        let bare = Expression { colon: Vec::new(), ..first.clone() };
        let (Some(low), Some(high)) = (self.value(&bare), self.value(high)) else {
            return self.dummy();
        };
        let step = match align.map(|align| self.value(align)) {
            None => 0,
            Some(Some(step)) => step,
            Some(None) => return self.dummy(),
        };
        if low == 0 && high == u64::MAX && step != 0 {
            let range = Range { low: 0, high: number.mask(), align: step };
            return self.number_type(shown, number, |number| Kind::Int(number, Some(range)));
        }
        let unsigned = low <= high && fits(low, number) && fits(high, number);
        let signed = low.cast_signed() <= high.cast_signed()
            && fits_signed(low, number)
            && fits_signed(high, number);
        if !unsigned && !signed {
            self.wrong(
                first.at,
                format!("range `{}` does not fit or is empty", text(first)),
                "its ends must fit into the type, the lower one first",
            );
            return self.dummy();
        }
        if step > high.wrapping_sub(low) && step > 1 {
            self.wrong(first.at, "the alignment is larger than the range", "make it smaller");
        }
        let range = Range { low, high, align: step };
        self.number_type(shown, number, |number| Kind::Int(number, Some(range)))
    }

    /// The number with the width behind its colon.
    fn bitfield(&mut self, written: &Expression, place: Place, number: Number) -> Number {
        let [width] = written.colon.as_slice() else {
            if written.colon.len() > 1 {
                self.wrong(written.at, "a bitfield with two widths", "write one");
            }
            return number;
        };
        if !place.field {
            self.wrong(
                width.at,
                "a bitfield that is no field of a struct",
                "only fields of structs have a width in bits",
            );
            return number;
        }
        match width.value {
            Value::Number(bits) if (1..=u64::from(number.bytes) * 8).contains(&bits) => {
                Number { bits: u8::try_from(bits).unwrap_or(64), ..number }
            }
            _ => {
                let most = u64::from(number.bytes) * 8;
                self.wrong(
                    width.at,
                    format!("bitfield of width `{}`", text(width)),
                    &format!("write a number from 1 to {most}"),
                );
                number
            }
        }
    }

    /// The base type, which stands last but for arguments. Takes it from the options.
    fn base(
        &mut self,
        written: &Expression,
        options: &mut &[Expression],
        least: usize,
        place: Place,
    ) -> Option<Number> {
        let found = match options.split_last() {
            Some((last, rest)) if rest.len() >= least => {
                self.base_type(last, place).map(|number| (last, rest, number))
            }
            _ => None,
        };
        let pointer = u8::try_from(self.machine.pointer).unwrap_or(8);
        let whole = Number { bytes: pointer, bits: 0, format: Format::Native };
        match found {
            Some((last, rest, number)) => {
                *options = rest;
                if place.argument && !place.alias {
                    self.wrong(
                        last.at,
                        "an argument with a base type",
                        "arguments have the size that the call gives them: remove it",
                    );
                }
                Some(if place.argument { whole } else { number })
            }
            None if place.argument => Some(whole),
            None => {
                let name = written.name().unwrap_or_default();
                self.wrong(
                    written.at,
                    format!("`{name}` without a base type"),
                    "write an integer type last, such as int32",
                );
                None
            }
        }
    }

    fn base_type(&mut self, written: &Expression, place: Place) -> Option<Number> {
        let name = written.name()?;
        if !written.options.is_empty() {
            return None;
        }
        if let Some(number) = int_type(name, self.machine.pointer) {
            return Some(self.bitfield(written, place, number));
        }
        match &self.all.declared(name)?.kind {
            Declared::Alias(parameters, aliased) if parameters.is_empty() => {
                let mut aliased = aliased.clone();
                aliased.colon.extend(written.colon.iter().cloned());
                self.base_type(&aliased, place)
            }
            _ => None,
        }
    }

    /// `const`, `flags`, lengths, `proc` and `csum`.
    pub(super) fn number_of_kind(
        &mut self,
        written: &Expression,
        options: &[Expression],
        place: Place,
        shown: &str,
    ) -> TypeId {
        let name = written.name().unwrap_or_default();
        let least = match name {
            "proc" | "csum" => 2,
            _ => 1,
        };
        let mut options = options;
        if options.len() < least {
            self.wrong(
                written.at,
                format!("`{name}` with too few options"),
                "see docs/fuzz.md for what it takes",
            );
            return self.dummy();
        }
        let Some(number) = self.base(written, &mut options, least, place) else {
            return self.dummy();
        };
        let most = match name {
            "proc" => 2,
            "csum" => 3,
            _ => 1,
        };
        if options.len() > most {
            let what = text(&options[most]);
            self.wrong(
                options[most].at,
                format!("`{name}` does not take `{what}`"),
                "remove it, or write an integer type there",
            );
            return self.dummy();
        }
        match name {
            "const" => self.constant(&options[0], number, shown),
            "flags" => {
                let values = self.flag_values(&options[0]);
                self.flags_type(shown, number, values)
            }
            "proc" => self.process(options, number, shown),
            "csum" => self.checksum(written, options, number, shown),
            _ => self.length(written, &options[0], number, shown),
        }
    }

    fn constant(&mut self, written: &Expression, number: Number, shown: &str) -> TypeId {
        if !written.colon.is_empty() {
            self.wrong(
                written.at,
                format!("`{}` is no value", text(written)),
                "write a number or a constant",
            );
            return self.dummy();
        }
        let Some(value) = self.value(written) else { return self.dummy() };
        if !fits(value, number) {
            self.wrong(
                written.at,
                format!("`{}` does not fit into {} bits", text(written), number.width()),
                "take a wider type",
            );
        }
        self.number_type(shown, number, |number| Kind::Const(number, value))
    }

    /// The values of flags, of those that they name too. Values that the architecture lacks are left out.
    fn flag_values(&mut self, written: &Expression) -> Vec<u64> {
        let all = self.all;
        let mut values = Vec::new();
        let mut names = vec![written];
        let mut seen = Vec::new();
        let mut first = true;
        while let Some(expression) = names.pop() {
            let flags = expression.name().and_then(|name| all.flags(name));
            match (flags, expression.name()) {
                (Some(_), Some(name)) if seen.contains(&name) => {
                    self.wrong(
                        expression.at,
                        format!("flags `{name}` name themselves"),
                        "remove the circle",
                    );
                }
                (Some(list), Some(name)) if expression.options.is_empty() => {
                    seen.push(name);
                    names.extend(list.iter().rev());
                }
                _ if first => {
                    self.wrong(
                        expression.at,
                        format!("`{}` are no flags", text(expression)),
                        "name flags: NAME = value, value",
                    );
                    return values;
                }
                (None, Some(name)) if self.constants.knows(name) => {
                    values.extend(self.constants.get(name, &self.machine.name));
                }
                _ => values.extend(self.value(expression)),
            }
            first = false;
        }
        values
    }

    fn flags_type(&mut self, shown: &str, number: Number, mut values: Vec<u64>) -> TypeId {
        values.sort_unstable();
        values.dedup();
        if let [] | [0] = values.as_slice() {
            return self.number_type(shown, number, |number| Kind::Const(number, 0));
        }
        let mut all = 0;
        let mut mask = true;
        for value in &values {
            mask &= *value != 0 && all & value == 0;
            all |= value;
        }
        self.number_type(shown, number, |number| Kind::Flags(number, values, mask))
    }

    fn length(
        &mut self,
        written: &Expression,
        path: &Expression,
        number: Number,
        shown: &str,
    ) -> TypeId {
        let (unit, offset) = match written.name().unwrap_or_default() {
            "bytesize" => (8, false),
            "bytesize2" => (16, false),
            "bytesize4" => (32, false),
            "bytesize8" => (64, false),
            "bitsize" => (1, false),
            "offsetof" => (8, true),
            _ => (0, false),
        };
        let Some(steps) = self.path(path) else { return self.dummy() };
        let id = self.number_type(shown, number, |number| Kind::Len {
            number,
            unit,
            offset,
            path: steps,
        });
        self.paths.insert(id, path.at);
        id
    }

    /// The names of a path.
    pub(super) fn path(&mut self, written: &Expression) -> Option<Vec<String>> {
        let steps: Option<Vec<String>> = std::iter::once(written)
            .chain(&written.colon)
            .map(|step| step.name().filter(|_| step.options.is_empty()).map(str::to_owned))
            .collect();
        if steps.is_none() {
            self.wrong(
                written.at,
                format!("`{}` is no path to a field", text(written)),
                "write names of fields with `:` between",
            );
        }
        steps
    }

    fn process(&mut self, options: &[Expression], number: Number, shown: &str) -> TypeId {
        let (Some(start), Some(per)) = (self.value(&options[0]), self.value(&options[1])) else {
            return self.dummy();
        };
        let last = per.checked_mul(PROCESSES).and_then(|all| start.checked_add(all));
        if per == 0 || last.is_none_or(|last| last > number.mask()) {
            self.wrong(
                options[0].at,
                format!("numbers of {PROCESSES} processes do not fit"),
                "take a wider type or fewer numbers for a process",
            );
        }
        self.number_type(shown, number, |number| Kind::Proc(number, start, per))
    }

    fn checksum(
        &mut self,
        written: &Expression,
        options: &[Expression],
        number: Number,
        shown: &str,
    ) -> TypeId {
        let (kind, most) = match options[1].name() {
            Some("inet") => (Checksum::Inet, 2),
            Some("pseudo") => {
                let Some(protocol) = options.get(2) else {
                    self.wrong(
                        written.at,
                        "a pseudo checksum without protocol",
                        "write csum[parent, pseudo, PROTOCOL, int16]",
                    );
                    return self.dummy();
                };
                let Some(protocol) = self.value(protocol) else { return self.dummy() };
                (Checksum::Pseudo(protocol), 3)
            }
            _ => {
                self.wrong(
                    options[1].at,
                    format!("`{}` is no checksum", text(&options[1])),
                    "write inet or pseudo",
                );
                return self.dummy();
            }
        };
        if options.len() > most {
            self.wrong(options[most].at, "an inet checksum takes no protocol", "remove it");
        }
        if number.bytes != 2 || number.bits != 0 {
            self.wrong(written.at, "a checksum that has not 16 bits", "write int16 or int16be");
        }
        let Some(of) = options[0].name().map(str::to_owned) else {
            self.wrong(
                options[0].at,
                "a checksum of no field",
                "write parent or the name of an enclosing type",
            );
            return self.dummy();
        };
        let id = self.number_type(shown, number, |number| Kind::Csum(number, kind, of));
        self.paths.insert(id, options[0].at);
        id
    }
}
