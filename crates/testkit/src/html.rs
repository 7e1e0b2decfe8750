//! As much HTML as our own pages and the scriptable provider's have.

/// A form as it is written.
pub(crate) struct RawForm {
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
}

/// What stands between two texts, unescaped.
pub(crate) fn between(html: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = html.split_once(start)?;
    let (inner, _) = rest.split_once(end)?;
    Some(unescape(inner))
}

/// The first attribute of that name.
pub(crate) fn attribute(html: &str, name: &str) -> Option<String> {
    between(html, &format!(" {name}=\""), "\"")
}

/// Every opening tag of that name, with its attributes.
pub(crate) fn tags(html: &str, name: &str) -> Vec<String> {
    let start = format!("<{name} ");
    html.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(tag, _)| format!(" {tag}"))
        .collect()
}

/// Every form.
pub(crate) fn forms(html: &str) -> Vec<RawForm> {
    html.split("<form ").skip(1).filter_map(form).collect()
}

fn form(rest: &str) -> Option<RawForm> {
    let (inner, _) = rest.split_once("</form>")?;
    let (opening, content) = inner.split_once('>')?;
    let fields = tags(content, "input")
        .iter()
        .filter_map(|input| {
            let value = attribute(input, "value").unwrap_or_default();
            attribute(input, "name").map(|name| (name, value))
        })
        .collect();
    Some(RawForm { action: attribute(&format!(" {opening}"), "action")?, fields })
}

/// Everything that is not markup.
pub(crate) fn text(html: &str) -> String {
    let parts = html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    let words: Vec<&str> = parts.flat_map(str::split_whitespace).collect();
    unescape(&words.join(" "))
}

fn unescape(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
