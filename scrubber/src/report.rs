//! Counts of what was found and removed. Counts only: never a value, a span or a key of the input.

use std::fmt;

/// A kind of personal data or secret that wall 2 knows. The order is the order of [`Kind::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// E-mail address, any form.
    Email,
    /// French social security number (NIR), 13 or 15 characters.
    Nir,
    /// International bank account number.
    Iban,
    /// French bank details (RIB), 23 characters.
    Rib,
    /// Telephone number.
    Phone,
    /// Payment card number.
    Card,
    /// French company number, 9 digits.
    Siren,
    /// French establishment number, 14 digits.
    Siret,
    /// Value added tax number.
    Tva,
    /// French tax number (SPI/NIF), 13 digits.
    Nif,
    /// IPv4 or IPv6 address.
    Ip,
    /// Hardware address.
    Mac,
    /// Password, token, key, cookie, credential in a URL.
    Secret,
    /// Date of birth.
    Dob,
    /// Passport number.
    Passport,
    /// National identity card number (also residence permits).
    Cni,
    /// Driving licence number.
    Licence,
    /// Registration plate.
    Plate,
    /// Postal address.
    Address,
    /// Name of a person.
    Person,
    /// Other national or sector identifiers (RPPS, INE, CAF, IMEI …).
    Id,
    /// A rule of the user's policy.
    Custom,
}

impl Kind {
    /// Every kind, in declaration order.
    pub const ALL: [Kind; 22] = [
        Kind::Email,
        Kind::Nir,
        Kind::Iban,
        Kind::Rib,
        Kind::Phone,
        Kind::Card,
        Kind::Siren,
        Kind::Siret,
        Kind::Tva,
        Kind::Nif,
        Kind::Ip,
        Kind::Mac,
        Kind::Secret,
        Kind::Dob,
        Kind::Passport,
        Kind::Cni,
        Kind::Licence,
        Kind::Plate,
        Kind::Address,
        Kind::Person,
        Kind::Id,
        Kind::Custom,
    ];

    /// The placeholder's name, upper case ASCII: `EMAIL`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Email => "EMAIL",
            Kind::Nir => "NIR",
            Kind::Iban => "IBAN",
            Kind::Rib => "RIB",
            Kind::Phone => "PHONE",
            Kind::Card => "CARD",
            Kind::Siren => "SIREN",
            Kind::Siret => "SIRET",
            Kind::Tva => "TVA",
            Kind::Nif => "NIF",
            Kind::Ip => "IP",
            Kind::Mac => "MAC",
            Kind::Secret => "SECRET",
            Kind::Dob => "DOB",
            Kind::Passport => "PASSPORT",
            Kind::Cni => "CNI",
            Kind::Licence => "LICENCE",
            Kind::Plate => "PLATE",
            Kind::Address => "ADDRESS",
            Kind::Person => "PERSON",
            Kind::Id => "ID",
            Kind::Custom => "CUSTOM",
        }
    }

    /// The kind with this placeholder name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a record did not become a [`crate::record::CleanRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// Nothing of the line is known to be technical.
    NothingTechnical,
    /// The policy drops this line (profile, field action or detection with `drop-record`).
    Policy,
    /// A bound on work, depth or candidates was reached.
    Budget,
    /// An internal invariant did not hold, or the sieve panicked on this line.
    Invariant,
}

impl DropReason {
    /// Every reason, in declaration order.
    pub const ALL: [DropReason; 4] = [
        DropReason::NothingTechnical,
        DropReason::Policy,
        DropReason::Budget,
        DropReason::Invariant,
    ];

    /// The metric label value: `nothing_technical`.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::NothingTechnical => "nothing_technical",
            DropReason::Policy => "policy",
            DropReason::Budget => "budget",
            DropReason::Invariant => "invariant",
        }
    }
}

/// Why a field was removed by wall 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FieldReason {
    /// The key is not on the profile's list.
    Unknown,
    /// The value does not fit the declared type.
    Type,
    /// The policy says drop (prompts, bodies, SQL, rows).
    Policy,
    /// Deeper than the bound, or over the count or size bound.
    Bound,
    /// Wall 2 found something in a value that cannot carry a placeholder.
    Detection,
}

impl FieldReason {
    /// Every reason, in declaration order.
    pub const ALL: [FieldReason; 5] = [
        FieldReason::Unknown,
        FieldReason::Type,
        FieldReason::Policy,
        FieldReason::Bound,
        FieldReason::Detection,
    ];

    /// The metric label value.
    pub const fn name(self) -> &'static str {
        match self {
            FieldReason::Unknown => "unknown",
            FieldReason::Type => "type",
            FieldReason::Policy => "policy",
            FieldReason::Bound => "bound",
            FieldReason::Detection => "detection",
        }
    }
}

/// Rules that the user's policy may have.
pub const RULES_MAX: usize = 128;

/// What was removed, as counts. Cheap to copy, add and reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Detections by kind, indexed by `Kind as usize`.
    detections: [u64; Kind::ALL.len()],
    /// Fields removed by reason, indexed by `FieldReason as usize`.
    fields: [u64; FieldReason::ALL.len()],
    /// Records dropped by reason, indexed by `DropReason as usize`.
    dropped: [u64; DropReason::ALL.len()],
    /// Words of free text masked by the lexicon.
    words_masked: u64,
    /// Words of free text kept by the lexicon.
    words_kept: u64,
    /// Detections by rule of the user's policy, in the order of the file.
    rules: [u64; RULES_MAX],
}

impl Default for Report {
    fn default() -> Self {
        Report {
            detections: [0; Kind::ALL.len()],
            fields: [0; FieldReason::ALL.len()],
            dropped: [0; DropReason::ALL.len()],
            words_masked: 0,
            words_kept: 0,
            rules: [0; RULES_MAX],
        }
    }
}

impl Report {
    /// Counts one detection.
    pub fn detection(&mut self, kind: Kind) {
        self.detections[kind as usize] += 1;
    }

    /// Counts one detection of a rule of the user's policy.
    pub fn rule(&mut self, index: usize) {
        self.detection(Kind::Custom);
        if let Some(n) = self.rules.get_mut(index) {
            *n += 1;
        }
    }

    /// Counts one removed field.
    pub fn field(&mut self, reason: FieldReason) {
        self.fields[reason as usize] += 1;
    }

    /// Counts one dropped record.
    pub fn dropped(&mut self, reason: DropReason) {
        self.dropped[reason as usize] += 1;
    }

    /// Counts words of free text.
    pub fn words(&mut self, kept: u64, masked: u64) {
        self.words_kept += kept;
        self.words_masked += masked;
    }

    /// Detections of one kind.
    pub fn detections_of(&self, kind: Kind) -> u64 {
        self.detections[kind as usize]
    }

    /// Detections of one rule of the user's policy, by its place in the file.
    pub fn detections_of_rule(&self, index: usize) -> u64 {
        self.rules.get(index).copied().unwrap_or_default()
    }

    /// Fields removed for one reason.
    pub fn fields_of(&self, reason: FieldReason) -> u64 {
        self.fields[reason as usize]
    }

    /// Records dropped for one reason.
    pub fn dropped_of(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// All detections.
    pub fn detections_total(&self) -> u64 {
        self.detections.iter().sum()
    }

    /// All removed fields.
    pub fn fields_total(&self) -> u64 {
        self.fields.iter().sum()
    }

    /// Words masked by the lexicon.
    pub fn words_masked(&self) -> u64 {
        self.words_masked
    }

    /// Words kept by the lexicon.
    pub fn words_kept(&self) -> u64 {
        self.words_kept
    }

    /// Adds another report.
    pub fn add(&mut self, other: &Report) {
        let pairs = self.detections.iter_mut().zip(&other.detections);
        let pairs = pairs.chain(self.fields.iter_mut().zip(&other.fields));
        let pairs = pairs.chain(self.dropped.iter_mut().zip(&other.dropped));
        let pairs = pairs.chain(self.rules.iter_mut().zip(&other.rules));
        pairs.for_each(|(mine, theirs)| *mine += theirs);
        self.words_masked += other.words_masked;
        self.words_kept += other.words_kept;
    }

    /// Takes the counts and leaves zeros.
    pub fn take(&mut self) -> Report {
        std::mem::take(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_declaration_order_and_named_uniquely() {
        for (i, k) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(k as usize, i);
            assert_eq!(Kind::from_name(k.name()), Some(k));
        }
        for (i, r) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(r as usize, i);
        }
        for (i, r) in FieldReason::ALL.into_iter().enumerate() {
            assert_eq!(r as usize, i);
        }
    }

    #[test]
    fn add_sums_every_counter() {
        let mut a = Report::default();
        a.detection(Kind::Nir);
        a.field(FieldReason::Type);
        a.dropped(DropReason::Budget);
        a.words(3, 2);
        a.rule(7);
        let mut b = a;
        b.add(&a);
        assert_eq!(b.detections_of(Kind::Nir), 2);
        assert_eq!(b.fields_of(FieldReason::Type), 2);
        assert_eq!(b.dropped_of(DropReason::Budget), 2);
        assert_eq!((b.detections_of_rule(7), b.detections_of(Kind::Custom)), (2, 2));
        assert_eq!((b.detections_of_rule(6), b.detections_of_rule(RULES_MAX)), (0, 0));
        assert_eq!((b.words_kept(), b.words_masked()), (6, 4));
        assert_eq!(b.take(), {
            let mut c = a;
            c.add(&a);
            c
        });
        assert_eq!(b, Report::default());
    }
}
