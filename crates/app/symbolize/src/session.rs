//! One log and its kernel.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use analysis_registers::Architecture;
use analysis_symbolize::{
    BootKernel, Disassembly, Facts, Found, ModuleUse, Points, Resolved, Summary, WhyNot,
    bare_address, is_user_mode, release_of, spots,
};
use io_symbols::{Binary, SymbolError, find_module};
use model::SourcePlace;
use parse_console::frame::instruction_pointer;
use parse_console::{Caller, Line};

use crate::error::Error;
use crate::kernels::{Loaded, Options, addresses};
use crate::tree::Tree;

/// Code that the kernel makes while it runs: kernel/bpf/core.c, kernel/trace/ftrace.c, kernel/kprobes.c.
const GENERATED: &[&str] = &["bpf", "__builtin__ftrace", "__builtin__kprobes"];

/// One log while it is symbolised.
#[derive(Debug)]
pub struct Session<'a> {
    options: &'a Options,
    pub(crate) tree: &'a mut Tree,
    pub(crate) loaded: &'a mut Loaded,
    facts: Facts,
    boots: Vec<BootKernel>,
    known: HashMap<Key, Arc<Resolved>>,
    /// The instruction pointer that came last, of each printer.
    pub(crate) pointers: HashMap<Option<Caller>, Pointer>,
    resolved: usize,
    unresolved: BTreeMap<WhyNot, (usize, u64)>,
}

/// What a place is remembered under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    boot: usize,
    function: String,
    offset: u64,
    size: u64,
    module: Option<String>,
    address: Option<u64>,
    points: Points,
}

/// An instruction pointer, of which code bytes may follow.
#[derive(Clone, Debug)]
pub(crate) enum Pointer {
    /// Of user mode: the bytes are no kernel's.
    User,
    /// Of this function of the kernel or of a module; without an address where no file holds it.
    Kernel {
        function: String,
        module: Option<String>,
        offset: u64,
        size: u64,
        address: Option<u64>,
    },
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        options: &'a Options,
        tree: &'a mut Tree,
        loaded: &'a mut Loaded,
        facts: Facts,
        boots: Vec<BootKernel>,
    ) -> Self {
        Self {
            options,
            tree,
            loaded,
            facts,
            boots,
            known: HashMap::new(),
            pointers: HashMap::new(),
            resolved: 0,
            unresolved: BTreeMap::new(),
        }
    }

    /// The places of everything in a line that is an address of the kernel.
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn line(&mut self, line: &Line<'_>) -> Result<Vec<Found>, Error> {
        self.text(&line.text, line.number, line.caller)
    }

    /// [`Self::line`] for the text of a line of a report.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn text(
        &mut self,
        text: &str,
        number: u64,
        caller: Option<Caller>,
    ) -> Result<Vec<Found>, Error> {
        let boot = self.facts.boot_of(number);
        let is_pointer = instruction_pointer(text).is_some();
        let mut found = Vec::new();
        if is_user_mode(text) {
            self.pointers.insert(caller, Pointer::User);
        }
        for spot in spots(text) {
            let mut points = spot.points;
            // Where the stack begins with the instruction pointer again (not on x86), no call stands before it.
            if points == Points::Behind
                && let Some(Pointer::Kernel { function, offset, .. }) = self.pointers.get(&caller)
                && function == spot.function
                && *offset == spot.offset
            {
                points = Points::At;
            }
            let key = Key {
                boot,
                function: spot.function.to_owned(),
                offset: spot.offset,
                size: spot.size,
                module: spot.module.map(str::to_owned),
                address: spot.address,
                points,
            };
            let resolved = self.place(&key, spot.module_build_id)?;
            if is_pointer && points == Points::At {
                let place = resolved.why_not.is_none().then_some(resolved.address);
                let pointer = Pointer::Kernel {
                    function: key.function.clone(),
                    module: key.module.clone(),
                    offset: key.offset,
                    size: key.size,
                    address: place,
                };
                self.pointers.insert(caller, pointer);
            }
            self.count(&resolved, number);
            found.push(Found {
                range: spot.start..spot.end,
                token: text[spot.start..spot.end].to_owned(),
                function: key.function,
                offset: spot.offset,
                size: spot.size,
                module: key.module,
                points,
                resolved,
            });
        }
        if found.is_empty()
            && let Some(bare) = bare_address(text)
        {
            let resolved = Arc::new(self.bare(boot, bare.address, bare.points)?);
            self.count(&resolved, number);
            found.push(Found {
                range: bare.start..bare.end,
                token: text[bare.start..bare.end].to_owned(),
                function: String::new(),
                offset: 0,
                size: 0,
                module: None,
                points: bare.points,
                resolved,
            });
        }
        Ok(found)
    }

    fn count(&mut self, resolved: &Resolved, line: u64) {
        match &resolved.why_not {
            None => self.resolved += 1,
            Some(why) => self.unresolved.entry(why.clone()).or_insert((0, line)).0 += 1,
        }
    }

    fn place(&mut self, key: &Key, module_id: Option<&str>) -> Result<Arc<Resolved>, Error> {
        if let Some(known) = self.known.get(key) {
            return Ok(Arc::clone(known));
        }
        let resolved = Arc::new(self.resolve(key, module_id)?);
        self.known.insert(key.clone(), Arc::clone(&resolved));
        Ok(resolved)
    }

    fn resolve(&mut self, key: &Key, module_id: Option<&str>) -> Result<Resolved, Error> {
        if !self.boots.get(key.boot).is_some_and(|boot| boot.usable) {
            return Ok(Resolved::not(WhyNot::OtherBoot));
        }
        if key.size > 0 && key.offset > key.size {
            return Ok(Resolved::not(WhyNot::Outside));
        }
        let (force, return_addresses) = (self.options.force, self.options.return_addresses);
        let kaslr = self.boots[key.boot].kaslr;
        let binary = match &key.module {
            None => &mut self.loaded.kernel,
            Some(module) => match self.module(module, key.boot, module_id)? {
                Ok(binary) => binary,
                Err(why) => return Ok(Resolved::not(why)),
            },
        };
        let mut starts = addresses(binary, &key.function, key.size);
        if starts.is_empty() {
            starts = addresses(binary, &key.function, 0);
            match starts.is_empty() {
                true => return Ok(Resolved::not(WhyNot::NoFunction)),
                false if !force => return Ok(Resolved::not(WhyNot::OtherSize)),
                false => {}
            }
        }
        // Of several functions of one name the printed address tells which.
        if let (Some(address), Some(kaslr), None) = (key.address, kaslr, &key.module) {
            let linked = address.wrapping_sub(kaslr.offset()).wrapping_sub(key.offset);
            if starts.contains(&linked) {
                starts = vec![linked];
            }
        }
        if !binary.has_lines() {
            return Ok(Resolved::not(WhyNot::NoLines { module: key.module.clone() }));
        }
        let mut chosen: Option<Resolved> = None;
        for start in starts {
            let address = start.wrapping_add(key.offset);
            let next = at(binary, address, key.points, return_addresses, &key.function)?;
            match &mut chosen {
                None => chosen = Some(next),
                // Equal places of copies of one function are one answer.
                Some(first) if first.places == next.places || next.places.is_empty() => {}
                Some(first) if first.places.is_empty() => chosen = Some(next),
                Some(first) => first.others.push(next.places),
            }
        }
        Ok(chosen.unwrap_or_else(|| Resolved::not(WhyNot::NoFunction)))
    }

    /// The place of an address without a name.
    fn bare(&mut self, boot: usize, address: u64, points: Points) -> Result<Resolved, Error> {
        let Some(state) = self.boots.get(boot).filter(|boot| boot.usable) else {
            return Ok(Resolved::not(WhyNot::OtherBoot));
        };
        let Some(kaslr) = state.kaslr else { return Ok(Resolved::not(WhyNot::NotMoved)) };
        let linked = address.wrapping_sub(kaslr.offset());
        let kernel = &mut self.loaded.kernel;
        let probe = if points == Points::Behind { linked.wrapping_sub(1) } else { linked };
        let Some((name, start, size)) = kernel
            .table()
            .at(probe)
            .map(|symbol| (symbol.name.to_owned(), symbol.address, symbol.size))
        else {
            return Ok(Resolved::not(WhyNot::NoFunction));
        };
        let mut resolved = at(kernel, linked, points, self.options.return_addresses, &name)?;
        resolved.named = Some((name, linked - start, size));
        Ok(resolved)
    }

    /// The file of a module, or why there is none that can be used.
    fn module(
        &mut self,
        name: &str,
        boot: usize,
        build_id: Option<&str>,
    ) -> Result<Result<&mut Binary, WhyNot>, Error> {
        if GENERATED.contains(&name) {
            return Ok(Err(WhyNot::Generated));
        }
        let release = self.facts.boots.get(boot).and_then(|boot| boot.release.as_ref());
        // A log without a version is that of the kernel's file, which it fits.
        let banner = self.loaded.kernel.identity().banner;
        let of_file = banner.as_deref().and_then(release_of);
        let release = release.map(|(release, _)| release.as_str()).or(of_file);
        if !self.loaded.modules.contains_key(name) {
            let kernel = self.loaded.kernel.path();
            let found = find_module(name, &self.options.modules, kernel, release);
            let opened = found.map(|path| Binary::open(&path, &self.loaded.keep)).transpose();
            let opened = match opened {
                Ok(opened) => opened,
                // A module without names cannot be used; one that is damaged is told.
                Err(SymbolError::Stripped { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            self.loaded.modules.insert(name.to_owned(), opened);
        }
        let Some(Some(binary)) = self.loaded.modules.get_mut(name) else {
            return Ok(Err(WhyNot::NoModule { module: name.to_owned() }));
        };
        let identity = binary.identity();
        let other_id = build_id.is_some_and(|id| {
            identity.build_id.as_deref().is_some_and(|own| !own.eq_ignore_ascii_case(id))
        });
        let other_release = release
            .is_some_and(|release| identity.banner.as_deref().is_some_and(|own| own != release));
        if (other_id || build_id.is_none() && other_release) && !self.options.force {
            return Ok(Err(WhyNot::OtherModule { module: name.to_owned() }));
        }
        Ok(Ok(binary))
    }

    /// The kernel or one of its modules that is open already.
    pub(crate) fn binary(&mut self, module: Option<&str>) -> Option<&mut Binary> {
        match module {
            None => Some(&mut self.loaded.kernel),
            Some(module) => self.loaded.modules.get_mut(module)?.as_mut(),
        }
    }

    /// The kernel's architecture, as far as its code can be disassembled.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        match self.loaded.kernel.machine() {
            io_symbols::Machine::X86_64 => Some(Architecture::X86_64),
            io_symbols::Machine::I386 => Some(Architecture::I386),
            io_symbols::Machine::Arm64 => Some(Architecture::Arm64),
            io_symbols::Machine::Arm => Some(Architecture::Arm),
            io_symbols::Machine::Other => None,
        }
    }

    /// The instructions of a `Code:` line with their places; `None` for any other line, and for one of user mode.
    ///
    /// # Errors
    /// When the debug information is damaged.
    pub fn code(&mut self, line: &Line<'_>) -> Result<Option<Disassembly>, Error> {
        crate::code::disassembly(self, line)
    }

    /// Keeps what was read, and tells what the log was symbolised with.
    pub fn finish(self) -> Summary {
        let mut not_kept = None;
        let opened = self.loaded.modules.values_mut().flatten();
        for binary in std::iter::once(&mut self.loaded.kernel).chain(opened) {
            if let Err(error) = binary.keep() {
                not_kept = Some(error.to_string());
            }
        }
        let kernel = &self.loaded.kernel;
        let identity = kernel.identity();
        let mut modules: Vec<ModuleUse> = self
            .loaded
            .modules
            .iter()
            .filter_map(|(name, binary)| {
                let binary = binary.as_ref()?;
                let path = binary.path().to_owned();
                Some(ModuleUse { name: name.clone(), path, build_id: binary.identity().build_id })
            })
            .collect();
        modules.sort_by(|a, b| a.name.cmp(&b.name));
        Summary {
            vmlinux: kernel.path().to_owned(),
            debug_file: kernel.debug_path().map(std::path::Path::to_owned),
            build_id: identity.build_id,
            banner: identity.banner,
            boots: self.boots,
            modules,
            resolved: self.resolved,
            unresolved: self.unresolved,
            not_kept,
        }
    }
}

/// The places of an address. The outermost function keeps the name that the log gives it.
pub(crate) fn at(
    binary: &mut Binary,
    address: u64,
    points: Points,
    return_addresses: bool,
    function: &str,
) -> Result<Resolved, SymbolError> {
    let mut named = |address: u64| -> Result<Vec<SourcePlace>, SymbolError> {
        let mut places = source_places(binary, address)?;
        if let Some(outermost) = places.last_mut() {
            function.clone_into(&mut outermost.function);
        }
        Ok(places)
    };
    let (places, behind) = match points {
        Points::At => (named(address)?, Vec::new()),
        Points::Behind => (named(address.wrapping_sub(1))?, named(address)?),
    };
    let (places, behind) = match return_addresses && points == Points::Behind {
        true => (behind, Vec::new()),
        false if behind == places => (places, Vec::new()),
        false => (places, behind),
    };
    let has_file = places.iter().any(|place| place.file.is_some());
    let why_not = (!has_file).then_some(WhyNot::NotCovered);
    Ok(Resolved { places, behind, address, why_not, ..Resolved::default() })
}

/// The places of an address; functions without a name are `?`.
pub(crate) fn source_places(
    binary: &mut Binary,
    address: u64,
) -> Result<Vec<SourcePlace>, SymbolError> {
    let named = |name: String| if name.is_empty() { "?".to_owned() } else { name };
    let places = binary.places(address)?.into_iter();
    Ok(places
        .map(|p| SourcePlace { function: named(p.function), file: p.file, line: p.line })
        .collect())
}
