//! The closed list of types that a field of a profile may have (DESIGN §5), and what each is called
//! in a record when the profile gives no name.

use crate::lexicon::Setting;

/// Largest `int` when the field gives no `max`: eight digits, so that no phone, company or social
/// security number fits.
pub(crate) const INT_MAX: u64 = 99_999_999;

/// Unit of a bare number of type `duration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl Unit {
    /// Milliseconds per unit.
    pub(crate) const fn milliseconds(self) -> f64 {
        match self {
            Unit::Seconds => 1e3,
            Unit::Milliseconds => 1.0,
            Unit::Microseconds => 1e-3,
            Unit::Nanoseconds => 1e-6,
        }
    }
}

/// How a message is taken apart before the lexicon sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// HTTP requests, SQL, payloads and `key=value` tails are cut off.
    Plain,
    /// PostgreSQL's server messages.
    Postgres,
    /// PostgreSQL's DETAIL: only that a known sentence was there.
    PostgresDetail,
}

/// The type of a field: what its value must look like to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// A known spelling of a severity.
    Level,
    /// Recognised and consumed: the runtime's own timestamp stands in the record.
    Timestamp,
    /// Whole number from 0 (or below, down to `-max`) to `max`.
    Int { max: u64 },
    /// Finite number below 10⁹.
    Float,
    /// True or false.
    Bool,
    /// Time span, given in `unit` or as text with a unit; emitted in milliseconds.
    Duration { unit: Unit },
    /// Size in bytes, at most 12 digits, or text with a unit.
    Bytes,
    /// One of the values listed.
    Enum { values: Vec<Box<str>> },
    /// HTTP method.
    HttpMethod,
    /// HTTP status code.
    Status,
    /// Path template; `declared` paths come from code and keep every plain segment.
    Route { declared: bool },
    /// Name and port of a service inside the stack.
    ServiceHost,
    /// Identifier from code: logger, component, function. `known`: every part in the lexicon.
    Ident { known: bool },
    /// Class of an exception.
    Exception,
    /// `routes.go:208`, directories removed.
    SourceLocation,
    /// SQLSTATE.
    Sqlstate,
    /// The verb of an SQL text.
    SqlOperation,
    /// Version number.
    Version,
    /// `sha256:…` or plain hexadecimal digest.
    Digest,
    /// 16 or 32 hexadecimal digits.
    TraceId,
    /// 16 hexadecimal digits.
    SpanId,
    /// Model of a known family.
    Model,
    /// `loopback`, `private` or `public` for an address.
    IpClass,
    /// Free text.
    Message { setting: Option<Setting>, grammar: Grammar },
    /// JSON inside a string; its members are judged like those of an object.
    Json,
    /// Never emitted.
    Drop,
}

impl FieldType {
    /// Names of the types, as policies write them.
    pub(crate) const NAMES: [&str; 25] = [
        "level",
        "timestamp",
        "int",
        "float",
        "bool",
        "duration",
        "bytes",
        "enum",
        "http_method",
        "status",
        "route",
        "service_host",
        "ident",
        "exception",
        "source_location",
        "sqlstate",
        "sql_operation",
        "version",
        "digest",
        "trace_id",
        "span_id",
        "model",
        "ip_class",
        "message",
        "json",
    ];

    /// The name in records of a field whose profile gives none; `None` when the path is the name.
    pub(crate) fn default_name(&self) -> Option<&'static str> {
        Some(match self {
            FieldType::Level => "level",
            FieldType::HttpMethod => "http_request_method",
            FieldType::Status => "http_response_status_code",
            FieldType::Route { .. } => "http_route",
            FieldType::Duration { .. } => "duration_ms",
            FieldType::Exception => "error_type",
            FieldType::SourceLocation => "source_location",
            FieldType::Sqlstate => "db_response_status_code",
            FieldType::SqlOperation => "db_operation_name",
            FieldType::TraceId => "trace_id",
            FieldType::SpanId => "span_id",
            FieldType::Model => "gen_ai_request_model",
            FieldType::Message { .. } => "msg",
            _ => return None,
        })
    }
}

/// `lexicon` settings, as policies write them.
pub(crate) const SETTINGS: [(&str, Setting); 4] = [
    ("loose", Setting::Loose),
    ("standard", Setting::Standard),
    ("tight", Setting::Tight),
    ("drop", Setting::Drop),
];

/// How a line is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// Common and combined access log.
    Access,
    /// PostgreSQL, stderr.
    Postgres,
    /// PostgreSQL, csvlog.
    PostgresCsv,
    /// nginx, error log.
    NginxError,
    /// Gin.
    Gin,
    /// Frames of stack traces and lines that name an exception.
    Stack,
    /// Head (time, level, logger, source) and message.
    Text,
}

impl Format {
    /// Names as profiles write them.
    pub(crate) const ALL: [(&str, Format); 9] = [
        ("json", Format::Json),
        ("logfmt", Format::Logfmt),
        ("access", Format::Access),
        ("postgres", Format::Postgres),
        ("postgres-csv", Format::PostgresCsv),
        ("nginx-error", Format::NginxError),
        ("gin", Format::Gin),
        ("stack", Format::Stack),
        ("text", Format::Text),
    ];
}
