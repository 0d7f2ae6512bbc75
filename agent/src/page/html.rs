//! The page as HTML: the template's places filled from the view. Every value is escaped here, and
//! what is filled in is not looked at again.

use super::tail::{Part, Record};
use super::view::{Cell, TABLES, Table, View};

/// Fills `{{kind:place}}` in the template.
pub(super) fn page(template: &str, view: &View, records: &[Record]) -> String {
    let mut out = String::with_capacity(template.len() * 4);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((place, after)) = after.split_once("}}") else { break };
        fill(place, view, records, &mut out);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn fill(place: &str, view: &View, records: &[Record], out: &mut String) {
    match place.split_once(':') {
        Some(("text", name)) => escape(view.text.get(name).map_or("", |t| t), out),
        Some(("class", name)) => escape(view.class.get(name).copied().unwrap_or(""), out),
        Some(("spark", name)) => escape(view.spark.get(name).map_or("", |t| t), out),
        Some(("table", name)) => {
            if let Some(t) = TABLES.iter().find(|t| t.name == name) {
                table(t, view.tables.get(name).map_or(&[], Vec::as_slice), out);
            }
        }
        Some(("tail", _)) => records.iter().for_each(|r| record(r, out)),
        Some(("options", _)) => {
            for name in &view.services {
                wrap("option", "", name, out);
            }
        }
        _ => {}
    }
}

fn table(table: &Table, rows: &[Vec<Cell>], out: &mut String) {
    out.push_str("<thead><tr>");
    for (heading, class) in table.columns {
        out.push_str("<th scope=\"col\" class=\"");
        out.push_str(class);
        out.push_str("\">");
        escape(heading, out);
        out.push_str("</th>");
    }
    out.push_str("</tr></thead><tbody data-table=\"");
    out.push_str(table.name);
    out.push_str("\">");
    for row in rows {
        out.push_str("<tr>");
        for (i, c) in row.iter().enumerate() {
            cell(c, i, table, out);
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody>");
}

fn cell(c: &Cell, column: usize, table: &Table, out: &mut String) {
    if c.kind == "empty" {
        out.push_str(&format!("<td class=\"empty\" colspan=\"{}\">", table.columns.len()));
        escape(&c.value, out);
        out.push_str("</td>");
        return;
    }
    let tag = if column == 0 { "th" } else { "td" };
    let scope = if column == 0 { " scope=\"row\"" } else { "" };
    let label = table.columns.get(column).map_or("", |(heading, _)| heading);
    let (kind, class) = (c.kind, c.class);
    out.push_str(&format!("<{tag}{scope} class=\"{kind} {class}\" data-label=\""));
    escape(label, out);
    out.push_str("\">");
    match c.kind {
        "spark" => {
            out.push_str(
                "<svg viewBox=\"0 0 120 24\" preserveAspectRatio=\"none\" \
                 aria-hidden=\"true\"><path d=\"",
            );
            escape(&c.value, out);
            out.push_str("\"/></svg>");
        }
        "bar" => {
            wrap("span", "", &c.value, out);
            out.push_str(&format!(
                "<svg viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
                 <rect class=\"track\" width=\"100\" height=\"6\"/>\
                 <rect class=\"fill\" width=\"{}\" height=\"6\"/></svg>",
                c.percent.unwrap_or(0)
            ));
        }
        _ => wrap("span", "", &c.value, out),
    }
    out.push_str(&format!("</{tag}>"));
}

fn record(r: &Record, out: &mut String) {
    out.push_str("<li class=\"");
    escape(&r.level, out);
    out.push_str("\"><div class=\"meta\">");
    wrap("time", "", &r.time, out);
    wrap("b", "", &r.service, out);
    wrap("i", "level", &r.level, out);
    out.push_str("</div><div class=\"body\"><p>");
    parts(&r.msg, out);
    out.push_str("</p><dl>");
    for (key, value) in &r.fields {
        out.push_str("<div>");
        wrap("dt", "", key, out);
        out.push_str("<dd>");
        parts(value, out);
        out.push_str("</dd></div>");
    }
    out.push_str("</dl>");
    if !r.removed.is_empty() {
        wrap("small", "", &format!("removed: {}", r.removed), out);
    }
    out.push_str("</div></li>");
}

fn parts(parts: &[Part], out: &mut String) {
    for part in parts {
        wrap(if part.masked { "mark" } else { "span" }, "", &part.text, out);
    }
}

fn wrap(tag: &str, class: &str, text: &str, out: &mut String) {
    out.push_str(&format!("<{tag} class=\"{class}\">"));
    escape(text, out);
    out.push_str(&format!("</{tag}>"));
}

/// Text for element content and quoted attributes.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
